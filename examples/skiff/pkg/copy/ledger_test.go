package copy_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"skiff/pkg/copy"
)

func TestLedger(t *testing.T) {
	digest := hashes(1)[0]
	host := name.MustParseReference("127.0.0.1:5101/x").Context().Registry
	a, b := host.Repo("a"), host.Repo("b")
	elsewhere := name.MustParseReference("127.0.0.1:5102/a").Context()
	ledger := copy.NewLedger()
	claim := func(repo name.Repository, want copy.Action) name.Repository {
		t.Helper()
		got, from, err := ledger.Claim(t.Context(), repo, digest)
		if err != nil || got != want {
			t.Fatalf("action %d instead of %d, %v", got, want, err)
		}
		return from
	}

	claim(a, copy.Move)
	ledger.Done(a, digest, false)
	claim(b, copy.Move) // the failure left it to whoever asks next
	ledger.Done(b, digest, true)
	claim(b, copy.Nothing)
	if from := claim(a, copy.Mount); from != b {
		t.Errorf("mount from %s", from)
	}
	ledger.Done(a, digest, false)
	claim(a, copy.Mount)
	ledger.Done(a, digest, true)
	claim(a, copy.Nothing)
	claim(elsewhere, copy.Move) // another registry has none of it

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := ledger.Claim(cancelled, elsewhere, digest); !errors.Is(err, context.Canceled) {
		t.Error("a claim did not wait for the one under way:", err)
	}
}

func TestLedgerGivesWorkToOneOfMany(t *testing.T) {
	digest := hashes(1)[0]
	host := name.MustParseReference("127.0.0.1:5101/x").Context().Registry
	ledger := copy.NewLedger()
	var moves, mounts atomic.Int64
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			repo := host.Repo(string(rune('a' + i%10)))
			action, _, err := ledger.Claim(t.Context(), repo, digest)
			switch {
			case err != nil:
				t.Error(err)
			case action == copy.Nothing:
				return
			case action == copy.Move:
				moves.Add(1)
			default:
				mounts.Add(1)
			}
			ledger.Done(repo, digest, true)
		})
	}
	all.Wait()
	if moves.Load() != 1 || mounts.Load() != 9 {
		t.Errorf("%d moves, %d mounts", moves.Load(), mounts.Load())
	}
}
