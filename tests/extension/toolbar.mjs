/**
 * The extension's button in the toolbar, clicked for real, and the popup that it opens. Playwright knows neither, so
 * Chromium is asked over its own protocol.
 */

import { until } from './e2e/stage.mjs';

export class ToolbarPopup {
  /**
   * Click the button while a page is in front.
   * @param {import('playwright-core').BrowserContext} context
   * @param {string} base of the extension's pages
   * @param {import('playwright-core').Page} page
   * @returns {Promise<ToolbarPopup>}
   */
  static async open(context, base, page) {
    await page.bringToFront();
    const protocol = await context.browser().newBrowserCDPSession();
    const popup = new ToolbarPopup(protocol, `${base}/popup/popup.html`);
    const tabs = await popup.targets({ filter: [{ type: 'tab' }] });
    const { targetId } = tabs.find(({ url }) => url === page.url());
    await protocol.send('Extensions.triggerAction', { id: new URL(base).host, targetId });
    await until(() => popup.isOpen(), 'the popup');
    return popup;
  }

  /**
   * @param {import('playwright-core').CDPSession} protocol
   * @param {string} url
   */
  constructor(protocol, url) {
    this.protocol = protocol;
    this.url = url;
  }

  /** @param {object} [wanted] */
  async targets(wanted) {
    return (await this.protocol.send('Target.getTargets', wanted)).targetInfos;
  }

  /** @returns {Promise<string | undefined>} the popup's target, if there is one */
  async isOpen() {
    return (await this.targets()).find(({ url }) => url === this.url)?.targetId;
  }

  /**
   * @param {string} expression evaluated as in a click of a person
   * @returns {Promise<any>} its value, once that is neither undefined nor false
   */
  async evaluate(expression) {
    const targetId = await this.isOpen();
    const { sessionId } = await this.protocol.send('Target.attachToTarget', { targetId, flatten: false });
    const params = { expression, returnByValue: true, userGesture: true };
    const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params });
    return until(async () => {
      const answered = new Promise((resolve) => {
        this.protocol.once('Target.receivedMessageFromTarget', (event) => resolve(JSON.parse(event.message)));
      });
      await this.protocol.send('Target.sendMessageToTarget', { sessionId, message });
      return (await answered).result.result.value;
    }, `${expression} in the popup`);
  }

  async close() {
    const targetId = await this.isOpen();
    if (targetId) await this.protocol.send('Target.closeTarget', { targetId });
    await until(async () => !(await this.isOpen()), 'the end of the popup');
    await this.protocol.detach();
  }
}
