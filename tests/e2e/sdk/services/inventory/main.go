// The service inventory: reserves what is in stock. Instrumented as OpenTelemetry's own guide for Go shows it;
// where telemetry goes and who is asking comes from the environment and from the request alone.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/contrib/otelconf"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	logapi "go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

var errSoldOut = errors.New("sold out: none left")

type server struct{ log *slog.Logger }

// reserve answers with the headers it got, so that a test sees what came through every hop.
func (s server) reserve(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	if r.URL.Query().Get("outcome") == "soldout" {
		status = http.StatusConflict
		span := trace.SpanFromContext(r.Context())
		span.RecordError(errSoldOut)
		span.SetStatus(codes.Error, errSoldOut.Error())
		s.log.ErrorContext(r.Context(), "nothing reserved", "error", errSoldOut)
	} else {
		s.log.InfoContext(r.Context(), "reserved one")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{
		"tracestate": r.Header.Get("tracestate"),
		"baggage":    r.Header.Get("baggage"),
	})
}

// telemetry is the SDK, however it was set up.
type telemetry struct {
	tracing     trace.TracerProvider
	logging     logapi.LoggerProvider
	propagation propagation.TextMapPropagator
	shutdown    func(context.Context) error
}

// fromEnvironment sets the SDK up by the OTEL_ variables that its exporters and processors read.
func fromEnvironment(ctx context.Context) (telemetry, error) {
	spans, err := otlptracegrpc.New(ctx)
	if err != nil {
		return telemetry{}, err
	}
	logs, err := otlploggrpc.New(ctx)
	if err != nil {
		return telemetry{}, err
	}
	tracing := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	logging := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(logs)))
	propagator := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	shutdown := func(ctx context.Context) error {
		return errors.Join(tracing.Shutdown(ctx), logging.Shutdown(ctx))
	}
	return telemetry{tracing, logging, propagator, shutdown}, nil
}

// fromFile sets the SDK up by the file that OTEL_CONFIG_FILE names.
func fromFile(ctx context.Context) (telemetry, error) {
	sdk, err := otelconf.NewSDK(otelconf.WithContext(ctx))
	return telemetry{sdk.TracerProvider(), sdk.LoggerProvider(), sdk.Propagator(), sdk.Shutdown}, err
}

func run(ctx context.Context) error {
	setUp := fromEnvironment
	if os.Getenv("OTEL_CONFIG_FILE") != "" {
		setUp = fromFile
	}
	// What is under way is still exported after the signal to end.
	telemetry, err := setUp(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	otel.SetTracerProvider(telemetry.tracing)
	otel.SetTextMapPropagator(telemetry.propagation)

	routes := http.NewServeMux()
	log := otelslog.NewLogger("inventory", otelslog.WithLoggerProvider(telemetry.logging))
	routes.HandleFunc("POST /reserve", server{log}.reserve)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	service := &http.Server{Handler: otelhttp.NewHandler(routes, "inventory")}
	go func() {
		<-ctx.Done()
		_ = service.Shutdown(context.Background())
	}()
	fmt.Printf("listening %s\n", listener.Addr())
	if err := service.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return telemetry.shutdown(context.Background())
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		slog.Error("inventory ended", "error", err)
		os.Exit(1)
	}
}
