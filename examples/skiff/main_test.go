package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"skiff/internal/regtest"
)

// The test binary is skiff itself when asked to be, so that signals and exit codes are real.
func TestMain(m *testing.M) {
	if os.Getenv("SKIFF_TEST_MAIN") == "1" {
		main()
	}
	os.Exit(m.Run())
}

func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), "SKIFF_TEST_MAIN=1")
	return cmd
}

func registries(t *testing.T) (src, dst *regtest.Registry) {
	src, dst = regtest.New(), regtest.New()
	t.Cleanup(src.Close)
	t.Cleanup(dst.Close)
	return src, dst
}

func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestCopyCommand(t *testing.T) {
	src, dst := registries(t)
	src.PutRandomImage("perf/a", "v1", 1, 2, 1000)
	args := []string{"copy", src.Host + "/perf/a:v1", dst.Host + "/perf/b:v1"}

	code, stdout, stderr := call(t, args...)
	if code != 0 || !strings.HasPrefix(stdout, "skiff: copied=1 skipped=0 failed=0 bytes=") || stderr != "" {
		t.Errorf("first: %d %q %q", code, stdout, stderr)
	}
	code, stdout, stderr = call(t, args...)
	if code != 0 || !strings.HasPrefix(stdout, "skiff: copied=0 skipped=1 failed=0 bytes=0 ") || stderr != "" {
		t.Errorf("again: %d %q %q", code, stdout, stderr)
	}
	if got := strings.Count(stdout, "\n"); got != 1 {
		t.Errorf("%d lines", got)
	}
}

func TestAFailureIsALineAndAnExitCode(t *testing.T) {
	src, dst := registries(t)
	for i := range 3 {
		src.PutRandomImage(fmt.Sprintf("perf/r%d", i), "v1", uint64(i), 1, 100)
	}
	src.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/v2/perf/r1/blobs/") {
			return false
		}
		http.Error(w, "line one\nline two", http.StatusForbidden)
		return true
	})
	code, stdout, stderr := call(t, "replicate-tree", "--metrics-addr=", "--workers", "2", src.Host+"/perf", dst.Host+"/copy")
	if code != 1 || !strings.HasPrefix(stdout, "skiff: copied=2 skipped=0 failed=1 ") {
		t.Errorf("%d %q", code, stdout)
	}
	if want := fmt.Sprintf("skiff: FAILED %s/perf/r1:v1 -> %s/copy/r1:v1: ", src.Host, dst.Host); !strings.HasPrefix(stderr, want) || strings.Count(stderr, "\n") != 1 {
		t.Errorf("stderr %q", stderr)
	}
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{
		{}, {"steal"}, {"copy"}, {"copy", "127.0.0.1/a"}, {"copy", "a", "b", "c"}, {"copy", "--no-such-flag", "a", "b"},
		{"copy", "127.0.0.1/UPPER", "127.0.0.1/b"}, {"copy", "127.0.0.1/a", "127.0.0.1/UPPER"}, {"copy", "--attempts", "0", "127.0.0.1/a", "127.0.0.1/b"},
		{"replicate-tree", "--workers", "0", "127.0.0.1/a", "127.0.0.1/b"}, {"replicate-tree", "/a", "127.0.0.1/b"}, {"replicate-tree", "127.0.0.1/a", "/b"},
		{"replicate-tree", "--tags", "[", "127.0.0.1/a", "127.0.0.1/b"}, {"serve", "extra"}, {"serve", "--workers", "0"},
	} {
		if code, stdout, stderr := call(t, args...); code != 2 || stdout != "" || stderr == "" {
			t.Errorf("%q: %d %q %q", args, code, stdout, stderr)
		}
	}
	for _, args := range [][]string{{"help"}, {"copy", "-h"}, {"serve", "-h"}} {
		if code, _, _ := call(t, args...); code != 0 {
			t.Errorf("%q: %d", args, code)
		}
	}
}

func TestFlagsMayFollowArguments(t *testing.T) {
	src, dst := registries(t)
	src.PutRandomImage("a", "v1", 1, 1, 10)
	code, _, stderr := call(t, "copy", src.Host+"/a:v1", "-v", dst.Host+"/a:v1", "--timeout", "5s")
	if code != 0 || !strings.Contains(stderr, "skiff: copied ") {
		t.Error(code, stderr)
	}
}

func TestATakenMetricsPortIsNoReasonToFail(t *testing.T) {
	src, dst := registries(t)
	src.PutRandomImage("perf/a", "v1", 1, 1, 10)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	taken := "--metrics-addr=" + listener.Addr().String()
	code, _, stderr := call(t, "copy", taken, src.Host+"/perf/a:v1", dst.Host+"/a:v1")
	if code != 0 || stderr != "" {
		t.Error(code, stderr)
	}
	code, _, stderr = call(t, "replicate-tree", taken, "-v", src.Host+"/perf", dst.Host+"/b")
	if code != 0 || !strings.Contains(stderr, "continuing without metrics") {
		t.Error(code, stderr)
	}
}

func TestSignalsEndTheProcessWithTheirCode(t *testing.T) {
	for signal, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		src, dst := registries(t)
		src.PutRandomImage("a", "v1", 1, 2, 1000)
		stalled := make(chan struct{}, 100)
		src.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/blobs/") {
				return false
			}
			stalled <- struct{}{}
			regtest.Stall(r)
			return true
		})
		var stdout, stderr bytes.Buffer
		cmd := process(t, "copy", src.Host+"/a:v1", dst.Host+"/a:v1")
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-stalled
		start := time.Now()
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Errorf("%v: exit %d, %v, %q", signal, code, err, stderr.String())
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		if !strings.Contains(stdout.String(), "copied=0 skipped=0 failed=1 ") {
			t.Errorf("summary %q", stdout.String())
		}
	}
}

func TestServeCommand(t *testing.T) {
	src, dst := registries(t)
	src.PutRandomImage("a", "v1", 1, 1, 10)
	cmd := process(t, "serve", "--address", "127.0.0.1:0", "--metrics-addr=")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "skiff: serving on ")
	if !ok {
		t.Fatal(line)
	}
	body := fmt.Sprintf(`{"source":"%s/a:v1","destination":"%s/b:v1"}`, src.Host, dst.Host)
	resp, err := http.Post(base+"/api/v1/copies", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	location := resp.Header.Get("Location")
	resp.Body.Close()
	var job struct{ Status, Error string }
	for deadline := time.Now().Add(10 * time.Second); job.Status != "completed" && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		resp, err := http.Get(base + location)
		if err != nil {
			t.Fatal(err)
		}
		err = json.NewDecoder(resp.Body).Decode(&job)
		resp.Body.Close()
		if err != nil || job.Status == "failed" {
			t.Fatal(err, job)
		}
	}
	if job.Status != "completed" {
		t.Error(job)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 143 {
		t.Errorf("exit %d", code)
	}
}
