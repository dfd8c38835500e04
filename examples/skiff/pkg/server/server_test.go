package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"skiff/internal/regtest"
	"skiff/pkg/copy"
	"skiff/pkg/registry"
	"skiff/pkg/server"
	"skiff/pkg/testing/load"
)

type api struct {
	*testing.T
	src, dst *regtest.Registry
	client   *registry.Client
	handler  http.Handler
	cancel   context.CancelFunc
	jobs     *server.Jobs
}

func newAPI(t *testing.T, workers int) *api {
	a := &api{T: t, src: regtest.New(), dst: regtest.New()}
	t.Cleanup(a.src.Close)
	t.Cleanup(a.dst.Close)
	a.client = registry.NewClient(registry.Options{Attempts: 1})
	ctx, cancel := context.WithCancel(t.Context())
	a.cancel = cancel
	a.jobs = server.New(ctx, copy.New(a.client, 4, new(copy.Stats)), workers)
	t.Cleanup(func() { cancel(); a.jobs.Wait() })
	a.handler = server.Handler(a.jobs)
	return a
}

func (a *api) request(method, path, body string) (status int, answer map[string]any) {
	a.Helper()
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, httptest.NewRequest(method, path, bytes.NewBufferString(body)))
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil && w.Code < 300 {
		a.Fatal(err, w.Body)
	}
	return w.Code, answer
}

func (a *api) submit(src, dst string) (id string) {
	a.Helper()
	status, job := a.request("POST", "/api/v1/copies", fmt.Sprintf(`{"source":%q,"destination":%q}`, src, dst))
	if status != http.StatusAccepted {
		a.Fatal(status, job)
	}
	return job["id"].(string)
}

// ended polls a job as a client would.
func (a *api) ended(id string) map[string]any {
	a.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		status, job := a.request("GET", "/api/v1/copies/"+id, "")
		if status != http.StatusOK {
			a.Fatal(status, job)
		}
		if s := job["status"]; s != "queued" && s != "running" {
			return job
		}
	}
	a.Fatal("the job never ended")
	return nil
}

func TestAJobThatCompletedHasCopied(t *testing.T) {
	a := newAPI(t, 2)
	a.src.PutRandomImage("a", "v1", 1, 2, 100)
	job := a.ended(a.submit(a.src.Host+"/a:v1", a.dst.Host+"/b:v1"))
	if job["status"] != "completed" || job["outcome"] != "copied" || job["error"] != nil {
		t.Error(job)
	}
	if _, err := load.Verify(t.Context(), a.client, a.src.Ref("a", ":v1"), a.dst.Ref("b", ":v1")); err != nil {
		t.Error(err)
	}
}

func TestAJobWhoseCopyFailedSaysSo(t *testing.T) {
	a := newAPI(t, 2)
	job := a.ended(a.submit(a.src.Host+"/a:v1", a.dst.Host+"/b:v1"))
	if job["status"] != "failed" || !strings.Contains(job["error"].(string), "MANIFEST_UNKNOWN") {
		t.Error(job)
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	a := newAPI(t, 1)
	for body, want := range map[string]int{
		`{"source":"UPPER CASE","destination":"127.0.0.1/b"}`: 400,
		`{"source":"127.0.0.1/a"}`:                            400,
		`{"from":"127.0.0.1/a","to":"127.0.0.1/b"}`:           400,
		`not JSON`: 400,
		`{"source":"` + strings.Repeat("a", 1<<20) + `"}`: 400,
	} {
		if status, answer := a.request("POST", "/api/v1/copies", body); status != want || answer["error"] == "" {
			t.Errorf("%.40s: %d %v", body, status, answer)
		}
	}
	if status, _ := a.request("GET", "/api/v1/copies/77", ""); status != 404 {
		t.Error(status)
	}
	if status, _ := a.request("DELETE", "/health", ""); status != 405 {
		t.Error(status)
	}
	if status, answer := a.request("GET", "/health", ""); status != 200 || answer["status"] != "ok" {
		t.Error(status, answer)
	}
}

func TestAFullQueueRefusesJobs(t *testing.T) {
	a := newAPI(t, 0) // nobody empties it
	body := fmt.Sprintf(`{"source":"%s/a","destination":"%s/b"}`, a.src.Host, a.dst.Host)
	for range 1000 {
		if status, answer := a.request("POST", "/api/v1/copies", body); status != 202 {
			t.Fatal(status, answer)
		}
	}
	if status, _ := a.request("POST", "/api/v1/copies", body); status != 503 {
		t.Error(status)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	a := newAPI(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	healthy := make(chan error, 1)
	err := server.Serve(ctx, "127.0.0.1:0", a.jobs, func(addr string) {
		go func() {
			defer cancel()
			resp, err := http.Get("http://" + addr + "/health")
			if err == nil {
				resp.Body.Close()
			}
			healthy <- err
		}()
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-healthy; err != nil {
		t.Error(err)
	}
	a.cancel()
	if _, err := a.jobs.Submit("127.0.0.1/a", "127.0.0.1/b"); err != server.ErrStopping {
		t.Error(err)
	}
}
