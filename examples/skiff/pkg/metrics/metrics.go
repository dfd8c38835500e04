// Package metrics shows a copier's counts to Prometheus, and the process to pprof.
package metrics

import (
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"skiff/pkg/copy"
)

// DefaultAddress is where metrics are served unless told otherwise.
const DefaultAddress = "127.0.0.1:2112"

// Metrics holds a registry of its own. The counts of copy.Stats are read at each scrape,
// so there is one set of counters; only requests and durations are observed here.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// New registers everything there is to see of stats and of the process.
func New(stats *copy.Stats) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "skiff_requests_total",
			Help: "HTTP requests sent to registries, by method and status (0: no answer).",
		}, []string{"method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "skiff_image_copy_seconds",
			Help:    "Time to copy one image, by outcome.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 18), // 1 ms to 131 s
		}, []string{"outcome"}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests, m.seconds,
	)
	counter := func(name, help string, labels prometheus.Labels, read func() int64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(
			prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels},
			func() float64 { return float64(read()) }))
	}
	images := "Images asked for, by how their copy ended."
	counter("skiff_images_total", images, prometheus.Labels{"outcome": "copied"}, stats.Copied.Load)
	counter("skiff_images_total", images, prometheus.Labels{"outcome": "skipped"}, stats.Skipped.Load)
	counter("skiff_images_total", images, prometheus.Labels{"outcome": "failed"}, stats.Failed.Load)
	blobs := "Blobs now at the destination, by how they got there."
	counter("skiff_blobs_total", blobs, prometheus.Labels{"how": "moved"}, stats.Blobs.Load)
	counter("skiff_blobs_total", blobs, prometheus.Labels{"how": "mounted"}, stats.Mounted.Load)
	counter("skiff_blobs_total", blobs, prometheus.Labels{"how": "existing"}, stats.Existing.Load)
	bytes := "Bytes of those blobs."
	counter("skiff_blob_bytes_total", bytes, prometheus.Labels{"how": "moved"}, stats.Bytes.Load)
	counter("skiff_blob_bytes_total", bytes, prometheus.Labels{"how": "mounted"}, stats.MountedBytes.Load)
	counter("skiff_blob_bytes_total", bytes, prometheus.Labels{"how": "existing"}, stats.ExistingBytes.Load)
	counter("skiff_manifests_total", "Manifests pushed.", nil, stats.Manifests.Load)
	counter("skiff_foreign_layers_total", "Foreign layers left where they are.", nil, stats.Foreign.Load)
	counter("skiff_retries_total", "Attempts made again.", nil, stats.Retries.Load)
	m.registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Name: "skiff_images_in_flight", Help: "Images being copied."},
		func() float64 { return float64(stats.InFlight.Load()) }))
	return m
}

// ObserveRequest fits registry.Options.OnRequest.
func (m *Metrics) ObserveRequest(method string, status int) {
	m.requests.WithLabelValues(method, strconv.Itoa(status)).Inc()
}

// ObserveImage fits copy.Copier.Observe.
func (m *Metrics) ObserveImage(outcome copy.Outcome, took time.Duration) {
	m.seconds.WithLabelValues(string(outcome)).Observe(took.Seconds())
}

// Handler serves /metrics and /debug/pprof/.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// Serve listens on addr and serves until stop is called. The error says that nothing listens.
func (m *Metrics) Serve(addr string) (listening net.Addr, stop func(), err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{Handler: m.Handler(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return listener.Addr(), func() {
		// Metrics are never a reason to fail: a scrape that is cut off is lost, no more.
		_ = server.Close()
		<-ended
	}, nil
}
