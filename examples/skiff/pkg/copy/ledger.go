package copy

import (
	"context"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Action is what is left to do about a blob at the destination.
type Action int

const (
	Nothing Action = iota // this process has put it there
	Mount                 // it stands in another repository of the same registry
	Move                  // nobody has it yet
)

// Ledger remembers which blobs this process has put into which repositories, and makes
// sure that a blob many images share crosses the wire once: whoever needs it while it is
// under way waits, then mounts it.
type Ledger struct {
	mu    sync.Mutex
	blobs map[blobKey]*blobPlaces
}

type blobKey struct {
	registry string
	digest   v1.Hash
}

type blobPlaces struct {
	home   *name.Repository  // one repository that has it
	places map[string]*place // by repository: there, or under way
	first  *place            // under way while there is no home
}

type place struct {
	there bool
	done  chan struct{} // closed when the work on it ended, either way
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger { return &Ledger{blobs: map[blobKey]*blobPlaces{}} }

// Claim says what to do so that digest stands in repo. After Mount (from the returned
// repository) or Move the caller owns the work and must call Done.
func (l *Ledger) Claim(ctx context.Context, repo name.Repository, digest v1.Hash) (Action, name.Repository, error) {
	for {
		action, from, wait := l.claim(repo, digest)
		if wait == nil {
			return action, from, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return Nothing, name.Repository{}, context.Cause(ctx)
		}
	}
}

func (l *Ledger) claim(repo name.Repository, digest v1.Hash) (Action, name.Repository, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := blobKey{repo.RegistryStr(), digest}
	b := l.blobs[key]
	if b == nil {
		b = &blobPlaces{places: map[string]*place{}}
		l.blobs[key] = b
	}
	if p := b.places[repo.RepositoryStr()]; p != nil {
		if p.there {
			return Nothing, name.Repository{}, nil
		}
		return Nothing, name.Repository{}, p.done
	}
	if b.home == nil && b.first != nil {
		return Nothing, name.Repository{}, b.first.done
	}
	p := &place{done: make(chan struct{})}
	b.places[repo.RepositoryStr()] = p
	if b.home != nil {
		return Mount, *b.home, nil
	}
	b.first = p
	return Move, name.Repository{}, nil
}

// Done ends a claim. When it failed the next one who asks gets the work.
func (l *Ledger) Done(repo name.Repository, digest v1.Hash, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.blobs[blobKey{repo.RegistryStr(), digest}]
	p := b.places[repo.RepositoryStr()]
	if ok {
		p.there = true
		if b.home == nil {
			b.home = &repo
		}
	} else {
		delete(b.places, repo.RepositoryStr())
	}
	if b.first == p {
		b.first = nil
	}
	close(p.done)
}
