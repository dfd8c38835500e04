package copy

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Stats counts what has happened, as the destination confirmed it. Images are the tags or
// digests asked for; blobs and bytes are counted once the registry has accepted them.
type Stats struct {
	Copied, Skipped, Failed atomic.Int64 // images
	Manifests               atomic.Int64 // pushed, children of indexes included
	Blobs, Bytes            atomic.Int64 // moved over the wire
	Mounted, MountedBytes   atomic.Int64 // taken from another repository of the destination
	Existing, ExistingBytes atomic.Int64 // found at the destination
	Foreign                 atomic.Int64 // layers left where they are
	InFlight                atomic.Int64 // images being copied
	Retries                 atomic.Int64 // attempts made again
}

// Summary is the line a command ends with.
func (s *Stats) Summary(elapsed time.Duration) string {
	return fmt.Sprintf("copied=%d skipped=%d failed=%d bytes=%d blobs=%d mounted=%d mounted_bytes=%d existing=%d retries=%d seconds=%.3f",
		s.Copied.Load(), s.Skipped.Load(), s.Failed.Load(), s.Bytes.Load(), s.Blobs.Load(),
		s.Mounted.Load(), s.MountedBytes.Load(), s.Existing.Load(), s.Retries.Load(), elapsed.Seconds())
}
