/** What happens in the page beside requests, as log events with the names of OpenTelemetry's browser group. */

import { wrapConstructor } from './constructors.js';
import { inspectAll } from './inspect.js';
import { wrapMethod } from './methods.js';
import { quietly } from './quietly.js';
import { selectorOf } from './selector.js';

const SEVERITIES = /** @type {const} */ ({ debug: 5, log: 9, info: 9, warn: 13, error: 17 });
const BUTTONS = ['left', 'middle', 'right'];

/**
 * @typedef {object} Sources
 * @property {any} window
 * @property {import('./natives.js').Natives} natives
 * @property {import('../shared/redact.js').Redactor} redactor
 * @property {(event: string, fields: { severity?: number, body?: string, time?: number,
 *   attributes: import('../shared/records.js').Attributes }) => void} emit
 * @property {() => void} touch the person did something
 * @property {(target: any, type: string, listener: (event: any) => void) => void} listen in the capture phase
 */

/**
 * @param {Sources} sources
 * @returns {() => void} restores the console, where nobody has put something over it
 */
export function watchConsole({ window, natives, redactor, emit }) {
  const { console } = window;
  const restores = Object.entries(SEVERITIES).map(([method, severity]) =>
    wrapMethod(natives, console, method, (native, self, args) => {
      const body = quietly(() => redactor.text(inspectAll(args, (name) => redactor.isSecretName(name)))) ?? '';
      emit('browser.console', { severity, body, attributes: { 'browser.console.method': method } });
      return natives.apply(native, self, args);
    }),
  );
  return () => restores.forEach((restore) => restore());
}

/** @param {Sources} sources */
export function watchErrors({ window, redactor, emit, listen }) {
  const report = (/** @type {any} */ thrown, /** @type {string} */ message) => {
    const isError = typeof thrown === 'object' && thrown !== null;
    const text = (/** @type {unknown} */ value) => (typeof value === 'string' ? redactor.text(value) : '');
    const said = text(quietly(() => String(thrown)) ?? message);
    const attributes = {
      'exception.type': (isError && text(quietly(() => thrown.name))) || 'Error',
      'exception.message': (isError && text(quietly(() => thrown.message))) || said,
      'exception.stacktrace': isError ? text(quietly(() => thrown.stack)) : '',
    };
    const known = Object.fromEntries(Object.entries(attributes).filter(([, value]) => value));
    emit('exception', { severity: 17, attributes: known });
  };
  listen(window, 'error', (event) => {
    // Elements whose resource failed to load also say `error`; their timing tells of them.
    if (event.target !== window && event.target !== null) return;
    if (event.error === undefined && !event.message) return;
    report(event.error ?? event.message, event.message);
  });
  listen(window, 'unhandledrejection', (event) => report(event.reason, 'unhandled rejection'));
}

/** @param {Sources} sources */
export function watchUser({ window, emit, touch, listen }) {
  for (const type of ['pointerdown', 'keydown', 'touchstart', 'wheel', 'submit']) {
    listen(window, type, (event) => {
      if (event.isTrusted) touch();
    });
  }
  listen(window, 'click', (event) => {
    if (event.isTrusted) touch();
    const [element] = event.composedPath();
    if (!(element instanceof window.Element) || element.hasAttribute('disabled')) return;
    const attributes = {
      'browser.page.x': event.pageX,
      'browser.page.y': event.pageY,
      'browser.tag_name': element.tagName,
      'browser.mouse_event.button': BUTTONS[event.button] ?? 'left',
      'browser.css_selector': quietly(() => selectorOf(element)) ?? element.localName,
    };
    emit('browser.user_action.click', { attributes });
  });
}

/** @param {Sources} sources */
export function watchNavigation({ window, redactor, emit, listen, touch }) {
  let lastUrl = window.document.URL;
  const changed = (/** @type {string} */ type) => {
    const url = window.document.URL;
    if (url === lastUrl) return;
    const [before, after] = [lastUrl.split('#')[0], url.split('#')[0]];
    lastUrl = url;
    touch();
    emit('browser.navigation', {
      severity: 9,
      attributes: {
        'url.full': redactor.url(url),
        'browser.navigation.same_document': true,
        'browser.navigation.hash_change': before === after && url.includes('#'),
        'browser.navigation.type': type,
      },
    });
  };
  const { navigation } = window;
  if (!navigation) return;
  listen(navigation, 'currententrychange', (event) => changed(event.navigationType ?? 'push'));
}

/**
 * @param {Sources} sources
 * @returns {() => void} restores the constructor, if nobody has put something over it
 */
export function watchWebSockets({ window, natives, redactor, emit }) {
  return wrapConstructor(window, natives, 'WebSocket', (construct, args) => {
    const socket = construct(args);
    const attributes = () => ({ 'url.full': redactor.url(socket.url) });
    // Not kept to be taken off again: a page may open ever so many.
    const listen = (/** @type {string} */ type, /** @type {(event: any) => void} */ listener) => {
      const quiet = (/** @type {any} */ event) => quietly(() => listener(event));
      natives.apply(natives.addEventListener, socket, [type, quiet]);
    };
    listen('open', () => emit('gasoline.websocket.open', { attributes: attributes() }));
    listen('close', (event) =>
      emit('gasoline.websocket.close', {
        severity: event.wasClean ? 9 : 13,
        attributes: {
          ...attributes(),
          'gasoline.websocket.close_code': event.code,
          'gasoline.websocket.was_clean': event.wasClean,
        },
      }),
    );
    return socket;
  });
}
