// Package server takes copy jobs over HTTP and tells truly how they ended.
package server

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"skiff/pkg/copy"
	"skiff/pkg/registry"
)

const (
	longestQueue = 1000 // jobs waiting; more are refused
	remembered   = 1000 // ended jobs whose status can still be asked for
)

// Status is where a job stands.
type Status string

const (
	Queued    Status = "queued"
	Running   Status = "running"
	Completed Status = "completed" // everything stands at the destination
	Failure   Status = "failed"
)

// Job is one copy asked for, as it is told to clients.
type Job struct {
	ID          string       `json:"id"`
	Source      string       `json:"source"`
	Destination string       `json:"destination"`
	Status      Status       `json:"status"`
	Outcome     copy.Outcome `json:"outcome,omitempty"`
	Error       string       `json:"error,omitempty"`
	Created     time.Time    `json:"created"`
	Started     *time.Time   `json:"started,omitempty"`
	Finished    *time.Time   `json:"finished,omitempty"`

	src, dst name.Reference
}

// Errors of Submit.
var (
	ErrQueueFull = errors.New("too many jobs are waiting")
	ErrStopping  = errors.New("the server is stopping")
)

// Jobs is a bounded queue and the workers that empty it.
type Jobs struct {
	copier *copy.Copier
	ctx    context.Context // ends the workers and what they copy
	queue  chan string
	work   sync.WaitGroup

	mu    sync.Mutex
	jobs  map[string]*Job
	ended []string // oldest first
	last  int
}

// New starts workers that run until ctx ends.
func New(ctx context.Context, copier *copy.Copier, workers int) *Jobs {
	j := &Jobs{copier: copier, ctx: ctx, queue: make(chan string, longestQueue), jobs: map[string]*Job{}}
	for range workers {
		j.work.Go(func() {
			for {
				select {
				case id := <-j.queue:
					j.run(id)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return j
}

// Wait returns when all workers have ended, which they do with their context.
func (j *Jobs) Wait() { j.work.Wait() }

// Submit queues a copy. An error that is none of this package's is a bad reference.
func (j *Jobs) Submit(source, destination string) (Job, error) {
	src, err := registry.ParseReference(source)
	if err != nil {
		return Job{}, err
	}
	dst, err := registry.ParseReference(destination)
	if err != nil {
		return Job{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ctx.Err() != nil {
		return Job{}, ErrStopping
	}
	id := strconv.Itoa(j.last + 1)
	job := &Job{
		ID: id, Source: source, Destination: destination,
		Status: Queued, Created: time.Now().UTC(), src: src, dst: dst,
	}
	select {
	case j.queue <- id:
	default:
		return Job{}, ErrQueueFull
	}
	j.last++
	j.jobs[id] = job
	return *job, nil
}

// Get returns a job as it stands now.
func (j *Jobs) Get(id string) (Job, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	job, ok := j.jobs[id]
	if !ok {
		return Job{}, false
	}
	return *job, true
}

func (j *Jobs) run(id string) {
	j.mu.Lock()
	job := j.jobs[id]
	started := time.Now().UTC()
	job.Status, job.Started = Running, &started
	src, dst := job.src, job.dst
	j.mu.Unlock()

	outcome, err := j.copier.Copy(j.ctx, src, dst)

	j.mu.Lock()
	defer j.mu.Unlock()
	finished := time.Now().UTC()
	job.Status, job.Outcome, job.Finished = Completed, outcome, &finished
	if err != nil {
		job.Status, job.Error = Failure, err.Error()
	}
	j.ended = append(j.ended, id)
	if len(j.ended) > remembered {
		delete(j.jobs, j.ended[0])
		j.ended = j.ended[1:]
	}
}
