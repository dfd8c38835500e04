package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"skiff/pkg/copy"
	"skiff/pkg/metrics"
	"skiff/pkg/registry"
)

// session is what every command has: its flags, a client, a copier, and a place to
// report to. Workers report at the same time, so lines are written under a lock.
type session struct {
	flags       *flag.FlagSet
	insecure    stringList
	timeout     time.Duration
	attempts    int
	transfers   int
	metricsAddr string
	verbose     bool

	mu             sync.Mutex
	stdout, stderr io.Writer
	start          time.Time
	stats          copy.Stats
	client         *registry.Client
	copier         *copy.Copier
}

// newSession declares the flags that all commands share.
func newSession(command, metricsAddr string, stdout, stderr io.Writer) *session {
	s := &session{
		flags:  flag.NewFlagSet("skiff "+command, flag.ContinueOnError),
		stdout: stdout,
		stderr: stderr,
		start:  time.Now(),
	}
	s.flags.SetOutput(stderr)
	s.flags.Var(&s.insecure, "insecure", "registry `host` to speak plain HTTP to, as with loopback hosts; may be repeated")
	s.flags.DurationVar(&s.timeout, "timeout", 30*time.Second, "time for one request, beside a second for every MiB it carries")
	s.flags.IntVar(&s.attempts, "attempts", 5, "tries of a request, the first included")
	s.flags.IntVar(&s.transfers, "transfers", 0, "blobs and manifests under way at once (default: 4, or 2 for each worker)")
	s.flags.StringVar(&s.metricsAddr, "metrics-addr", metricsAddr, "`host:port` for Prometheus metrics and pprof; empty for none")
	s.flags.BoolVar(&s.verbose, "v", false, "tell on stderr what is being done")
	return s
}

// parse reads flags wherever they stand and wants exactly n arguments besides.
func (s *session) parse(args []string, n int) ([]string, error) {
	var positional []string
	for {
		if err := s.flags.Parse(args); err != nil {
			if err == flag.ErrHelp {
				return nil, err
			}
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		if s.flags.NArg() == 0 {
			break
		}
		positional = append(positional, s.flags.Arg(0))
		args = s.flags.Args()[1:]
	}
	if len(positional) != n {
		return nil, fmt.Errorf("%w: %s takes %d arguments, not %d; see %s -h", errUsage, s.flags.Name(), n, len(positional), s.flags.Name())
	}
	if s.attempts < 1 || s.timeout <= 0 || s.transfers < 0 {
		return nil, fmt.Errorf("%w: --attempts and --timeout must be above 0, --transfers not below", errUsage)
	}
	return positional, nil
}

// open makes the client and the copier and, if asked to, serves metrics. A metrics
// address that is taken is no reason not to copy.
func (s *session) open(workers int) (stop func()) {
	options := registry.Options{
		Insecure: s.insecure,
		Attempts: s.attempts,
		Timeout:  s.timeout,
		OnRetry:  func() { s.stats.Retries.Add(1) },
	}
	stop = func() {}
	var observe func(copy.Outcome, time.Duration)
	if s.metricsAddr != "" {
		m := metrics.New(&s.stats)
		addr, stopServing, err := m.Serve(s.metricsAddr)
		if err != nil {
			s.note("continuing without metrics: %v", err)
		} else {
			s.note("metrics on http://%s/metrics", addr)
			options.OnRequest = m.ObserveRequest
			observe = m.ObserveImage
			stop = stopServing
		}
	}
	if s.transfers == 0 {
		s.transfers = max(4, 2*workers)
	}
	s.client = registry.NewClient(options)
	s.copier = copy.New(s.client, s.transfers, &s.stats)
	s.copier.Observe = observe
	return stop
}

// note writes a line for the verbose.
func (s *session) note(format string, args ...any) {
	if s.verbose {
		s.line(s.stderr, format, args...)
	}
}

// image reports how one image ended: a failure always, all else to the verbose.
func (s *session) image(src, dst string, outcome copy.Outcome, err error) {
	if err != nil {
		s.line(s.stderr, "FAILED %s -> %s: %v", src, dst, err)
		return
	}
	s.note("%s %s -> %s", outcome, src, dst)
}

// finish prints the summary, and is an error when anything failed.
func (s *session) finish() error {
	s.line(s.stdout, "%s", s.stats.Summary(time.Since(s.start)))
	if s.stats.Failed.Load() > 0 {
		return errFailed
	}
	return nil
}

// line writes exactly one line.
func (s *session) line(w io.Writer, format string, args ...any) {
	text := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(w, "skiff: "+text)
}

// stringList is a flag that may be given several times.
type stringList []string

func (l *stringList) String() string { return strings.Join(*l, ",") }

func (l *stringList) Set(value string) error {
	*l = append(*l, value)
	return nil
}
