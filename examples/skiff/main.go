// Skiff copies container images between registries.
//
//	skiff copy SRC DST
//	skiff replicate-tree [--workers N] SRC/PREFIX DST/PREFIX
//	skiff serve [--address HOST:PORT]
//
// It exits 0 when everything asked for stands at the destination, 1 when anything
// failed, 2 on wrong use, and 130 or 143 when it was interrupted or terminated.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage:
  skiff copy [flags] SRC DST                          copy one image, index or artifact
  skiff replicate-tree [flags] SRC/PREFIX DST/PREFIX  copy every tag of every repository below a prefix
  skiff serve [flags]                                 take copy jobs over HTTP

SRC and DST look like 127.0.0.1:5100/perf/a:v1 or registry.example/app@sha256:…
"skiff COMMAND -h" lists the flags of a command.
`

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
	exitSignal = 128 // plus the signal's number
)

var (
	errUsage  = errors.New("wrong use")
	errFailed = errors.New("not everything was copied") // its causes have been printed
)

// signalled is the cause of a context that a signal ended.
type signalled struct{ syscall.Signal }

func (s signalled) Error() string { return "stopped by signal: " + s.Signal.String() }

func main() {
	ctx, stop := onSignal(context.Background())
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// onSignal ends the context at the first SIGINT or SIGTERM; a second one kills.
func onSignal(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(signalled{s.(syscall.Signal)})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// run is the program without the process: arguments in, output and exit code out.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	var err error
	switch args[0] {
	case "copy":
		err = runCopy(ctx, args[1:], stdout, stderr)
	case "replicate-tree":
		err = runTree(ctx, args[1:], stdout, stderr)
	case "serve":
		err = runServe(ctx, args[1:], stdout, stderr)
	case "help", "-h", "--help":
		fmt.Fprint(stdout, usage)
	default:
		fmt.Fprintf(stderr, "skiff: unknown command %q\n%s", args[0], usage)
		return exitUsage
	}

	var s signalled
	switch {
	case errors.As(context.Cause(ctx), &s):
		fmt.Fprintf(stderr, "skiff: %v\n", s)
		return exitSignal + int(s.Signal)
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitFine
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "skiff: %v\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "skiff: %v\n", err)
		return exitFailed
	}
}
