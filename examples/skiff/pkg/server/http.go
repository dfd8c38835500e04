package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

const largestRequest = 64 << 10 // bytes

// Handler is the API:
//
//	POST /api/v1/copies      {"source": "…", "destination": "…"} → 202 and the job
//	GET  /api/v1/copies/{id} → the job
//	GET  /health
func Handler(jobs *Jobs) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /api/v1/copies/{id}", func(w http.ResponseWriter, r *http.Request) {
		job, ok := jobs.Get(r.PathValue("id"))
		if !ok {
			refuse(w, http.StatusNotFound, fmt.Errorf("no job %q", r.PathValue("id")))
			return
		}
		reply(w, http.StatusOK, job)
	})
	mux.HandleFunc("POST /api/v1/copies", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Source      string `json:"source"`
			Destination string `json:"destination"`
		}
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, largestRequest))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&body); err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		job, err := jobs.Submit(body.Source, body.Destination)
		switch {
		case errors.Is(err, ErrQueueFull), errors.Is(err, ErrStopping):
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, err)
		case err != nil:
			refuse(w, http.StatusBadRequest, err)
		default:
			w.Header().Set("Location", "/api/v1/copies/"+job.ID)
			reply(w, http.StatusAccepted, job)
		}
	})
	return mux
}

// Serve listens on address, tells ready where, and serves until ctx ends.
func Serve(ctx context.Context, address string, jobs *Jobs, ready func(addr string)) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: Handler(jobs), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	ready(listener.Addr().String())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return server.Shutdown(grace)
	}
}

func refuse(w http.ResponseWriter, status int, err error) {
	reply(w, status, map[string]string{"error": err.Error()})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that left needs no answer
}
