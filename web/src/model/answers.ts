/** The JSON answers of `observe`, as the page reads them. A field that may be left out is optional. */

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };
export type Signal = 'span' | 'span_event' | 'log';

export interface Event {
  id: string;
  type: 'network' | 'span' | 'event' | 'log';
  signal: Signal;
  time_unix_nano: string;
  service: string;
  error: boolean;
  attributes: { [key: string]: Value };
  name?: string;
  body?: Value;
  session_id?: string;
  request_id?: string;
  span_id?: string;
  parent_span_id?: string;
  kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  duration_ms?: number;
  status_message?: string;
  severity?: string;
  evidence?: 'attribute' | 'header' | 'tracestate' | 'trace';
  summary?: string;
  truncated?: string[];
  resource?: { attributes: { [key: string]: Value } };
  scope?: { name?: string; version?: string; attributes: { [key: string]: Value } };
}

export interface Cause {
  service: string;
  reason: string;
  span_id?: string;
  operation?: string;
}

export interface SessionRecord {
  session_id: string;
  user_agent?: string;
  ip_address?: string;
  started_at: string;
  last_activity: string;
  request_ids?: string[];
  request_count: number;
  services?: string[];
  event_count: number;
  has_errors: boolean;
  first_url?: string;
  previous_id?: string;
  end_reason?: string;
  cause?: Cause;
}

export interface RequestRecord {
  request_id: string;
  session_id?: string;
  session_ids?: string[];
  method?: string;
  url?: string;
  status?: number;
  started_at: string;
  completed_at?: string;
  duration_ms?: number;
  service_calls?: string[];
  cause?: Cause;
}

interface Page {
  next_cursor?: string;
  total: number;
  notes?: string[];
  /** Of a report only: how many of its events, the last ones, failed beyond those that it holds in a row. */
  errors_beyond?: number;
  /** Of a report only: whether it may hold a part of the events alone. */
  is_part?: boolean;
}

export interface SessionsAnswer extends Page {
  sessions: SessionRecord[];
}

export interface RequestsAnswer extends Page {
  requests: RequestRecord[];
}

export interface SessionAnswer extends Page {
  session_id?: string;
  session?: SessionRecord;
  /** Requests that hold records of other sessions, too. */
  shared_request_ids?: string[];
  events: Event[];
}

export interface RequestAnswer extends Page {
  request?: RequestRecord;
  timeline: Event[];
  spread?: { service: string; operation: string; status?: number }[];
  worked?: { request_id: string; duration_ms: number; status?: number };
  undone?: { service: string; operation: string }[];
}

export interface StatusAnswer {
  endpoints: { grpc?: string; http?: string; query?: string };
  services: { name: string; last_seen: string; spans: number; logs: number }[];
  sessions: number;
  requests: number;
  requests_without_session: number;
  advice: string[];
}
