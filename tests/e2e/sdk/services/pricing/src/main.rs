//! The service pricing: says what something costs. Instrumented as OpenTelemetry's own guide for Rust shows it; where
//! telemetry goes and who is asking comes from the environment and from the request alone.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanKind, TraceContextExt, Tracer, TracerProvider};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, RetryPolicy, SpanExporter, WithTonicConfig};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

fn answer(stream: TcpStream, tracer: &SdkTracer) -> std::io::Result<()> {
    let mut lines = BufReader::new(&stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let mut headers = HashMap::new();
    for line in lines {
        match line?.split_once(": ") {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.to_string()),
            None => break,
        };
    }
    let parent = TraceContextPropagator::new().extract(&headers);
    let span = tracer
        .span_builder("POST /price")
        .with_kind(SpanKind::Server)
        .with_attributes([KeyValue::new("http.request.method", "POST")])
        .start_with_context(tracer, &parent);
    let _active = parent.with_span(span).attach();
    tracing::info!(target: "pricing", "priced: {request}");
    (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn main() -> Result<(), Box<dyn Error>> {
    // The gRPC client lives in it.
    let runtime = tokio::runtime::Runtime::new()?;
    let _inside = runtime.enter();
    // Three times within a second, as recommended, is less than a restart takes.
    let retry = RetryPolicy::recommended().with_max_retries(20);
    let spans = SpanExporter::builder()
        .with_tonic()
        .with_retry_policy(retry.clone())
        .build()?;
    let logs = LogExporter::builder()
        .with_tonic()
        .with_retry_policy(retry)
        .build()?;
    let tracing = SdkTracerProvider::builder()
        .with_batch_exporter(spans)
        .build();
    let logging = SdkLoggerProvider::builder()
        .with_batch_exporter(logs)
        .build();
    // Libraries would add records that are not this service's own.
    let own = filter_fn(|metadata| metadata.target() == "pricing");
    tracing_subscriber::registry()
        .with(OpenTelemetryTracingBridge::new(&logging).with_filter(own))
        .init();

    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening {}", listener.local_addr()?);
    let tracer = tracing.tracer("pricing");
    for stream in listener.incoming() {
        let (stream, tracer) = (stream?, tracer.clone());
        thread::spawn(move || answer(stream, &tracer));
    }
    Ok(())
}
