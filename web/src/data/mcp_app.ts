/**
 * The view inside a chat client: MCP Apps, JSON-RPC over postMessage with the window that embeds it.
 * https://github.com/modelcontextprotocol/ext-apps/blob/main/specification/2026-01-26/apps.mdx
 */

const PROTOCOL_VERSION = '2026-01-26';
export const ANSWER_TIMEOUT_MS = 60_000;

export interface HostContext {
  theme?: 'light' | 'dark';
  displayMode?: string;
  availableDisplayModes?: string[];
  containerDimensions?: { height?: number; maxHeight?: number; width?: number; maxWidth?: number };
}

export interface ToolResult {
  structuredContent?: unknown;
  content?: { type: string; text?: string }[];
  isError?: boolean;
}

interface Message {
  jsonrpc: '2.0';
  id?: string | number;
  method?: string;
  params?: unknown;
  result?: unknown;
  error?: { message?: string };
}

interface Handlers {
  context: (context: HostContext) => void;
  toolInput: (toolArguments: { [name: string]: unknown }) => void;
  toolResult: (result: ToolResult) => void;
}

/** The window that shows this one. Only its messages count. */
export class Host {
  #nextId = 1;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #context: HostContext = {};

  constructor(
    private readonly host: Window,
    private readonly handlers: Handlers,
  ) {
    window.addEventListener('message', (message: MessageEvent<unknown>) => {
      if (message.source === this.host && isMessage(message.data)) this.#take(message.data);
    });
  }

  /** Say hello; afterwards the host tells what the tool was asked and what it answered. */
  async connect(): Promise<void> {
    const answer = (await this.request('ui/initialize', {
      protocolVersion: PROTOCOL_VERSION,
      appInfo: { name: 'gasoline', version: '1' },
      appCapabilities: { availableDisplayModes: ['inline', 'fullscreen'] },
    })) as { hostContext?: HostContext };
    this.#update(answer.hostContext ?? {});
    this.#notify('ui/notifications/initialized', {});
  }

  callTool(name: string, toolArguments: object): Promise<ToolResult> {
    return this.request('tools/call', { name, arguments: toolArguments }) as Promise<ToolResult>;
  }

  /** Tell the host how high the view wants to be. */
  tellSize(width: number, height: number): void {
    this.#notify('ui/notifications/size-changed', { width, height });
  }

  request(method: string, params: object): Promise<unknown> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`the chat client did not answer ${method}`));
      }, ANSWER_TIMEOUT_MS);
      const settled = <Argument>(settle: (argument: Argument) => void) => {
        return (argument: Argument) => {
          clearTimeout(timer);
          settle(argument);
        };
      };
      this.#waiting.set(id, { resolve: settled(resolve), reject: settled(reject) });
      this.#post({ jsonrpc: '2.0', id, method, params });
    });
  }

  #take(message: Message): void {
    if (message.method !== undefined) this.#hear(message);
    else if (typeof message.id === 'number') {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error) waiting?.reject(new Error(message.error.message ?? 'the chat client refused'));
      else waiting?.resolve(message.result);
    }
  }

  #hear({ id, method, params }: Message): void {
    if (method === 'ui/notifications/host-context-changed') this.#update((params ?? {}) as HostContext);
    else if (method === 'ui/notifications/tool-input') {
      this.handlers.toolInput((params as { arguments?: { [name: string]: unknown } } | undefined)?.arguments ?? {});
    } else if (method === 'ui/notifications/tool-result') this.handlers.toolResult((params ?? {}) as ToolResult);
    else if (id !== undefined && (method === 'ping' || method === 'ui/resource-teardown')) {
      this.#post({ jsonrpc: '2.0', id, result: {} });
    } else if (id !== undefined) {
      this.#post({ jsonrpc: '2.0', id, error: { code: -32601, message: `unknown method ${method}` } as object });
    }
  }

  #update(context: HostContext): void {
    this.#context = { ...this.#context, ...context };
    this.handlers.context(this.#context);
  }

  #notify(method: string, params: object): void {
    this.#post({ jsonrpc: '2.0', method, params });
  }

  #post(message: Message): void {
    // The host's origin is not known to what it embeds; nothing is sent that it did not give.
    this.host.postMessage(message, '*');
  }
}

function isMessage(data: unknown): data is Message {
  return typeof data === 'object' && data !== null && (data as Message).jsonrpc === '2.0';
}
