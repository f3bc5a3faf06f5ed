package probe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// Rate is what one connection to the target was seen to do, when the probes had
// nothing beside it to do.
type Rate struct {
	Connect   float64 `json:"connect_seconds"`    // to open a connection
	RoundTrip float64 `json:"round_trip_seconds"` // of SELECT 1; the median
	Bytes     float64 `json:"bytes_per_second"`   // of COPY text in batches, each awaited; the median
	Batches   int     `json:"batches"`
	Size      int     `json:"batch_bytes"`
}

// String says it for people.
func (r *Rate) String() string {
	return fmt.Sprintf("one connection takes %.2f MB/s (%d batches of %.1f MB, each awaited), a round trip %.1f ms, a connection %.0f ms",
		r.Bytes/1e6, r.Batches, float64(r.Size)/1e6, 1000*r.RoundTrip, 1000*r.Connect)
}

// The batches that a rate is measured by: as large as DB9's documents want them.
const (
	rateRows    = 5000
	rateLine    = 400 // bytes, with the line feed
	rateBatches = 3
	rateTrips   = 5
	// rateBudget ends the measurement after the batch under way. A batch at a
	// tenth of the documented rate takes longer.
	rateBudget  = 15 * time.Second
	rateTimeout = 2 * time.Minute
)

// rate measures. It is no fact: nothing is decided by it, and it is nil where
// something went wrong.
func (r *run) rate(ctx context.Context) *Rate {
	if r.scratch != nil || !r.Chosen.All() {
		return nil
	}
	ctx, cancel := within(ctx, rateTimeout, "the target")
	defer cancel()
	began := time.Now()
	conn, err := r.Target.Connect(ctx, dial.Settings{})
	if err != nil {
		return nil
	}
	out := &Rate{Connect: time.Since(began).Seconds(), Size: rateRows * rateLine}
	s := &session{conn: conn.PgConn()}
	defer s.close(ctx)
	var trips, batches []float64
	for range rateTrips {
		trips = append(trips, seconds(func() { s.must(ctx, "SELECT 1") }))
	}
	s.must(ctx, "CREATE TABLE "+in("p34_rate")+" (id bigint PRIMARY KEY, v text)")
	for n := 0; n < rateBatches && (n == 0 || time.Since(began) < rateBudget); n++ {
		data := rateBatch(n)
		batches = append(batches, seconds(func() {
			s.must(ctx, "BEGIN")
			s.copyIn(ctx, "COPY "+in("p34_rate")+" (id, v) FROM STDIN", data)
			s.must(ctx, "COMMIT")
		}))
	}
	if s.doubt != nil {
		return nil
	}
	slices.Sort(trips)
	slices.Sort(batches)
	out.RoundTrip, out.Batches = trips[len(trips)/2], len(batches)
	out.Bytes = float64(out.Size) / batches[len(batches)/2]
	return out
}

func seconds(f func()) float64 {
	began := time.Now()
	f()
	return time.Since(began).Seconds()
}

// rateBatch is a batch of COPY text, of lines of equal length.
func rateBatch(n int) string {
	var b strings.Builder
	b.Grow(rateRows * rateLine)
	for i := range rateRows {
		id := fmt.Sprintf("%d\t", 1_000_000+n*rateRows+i)
		b.WriteString(id)
		for j := len(id); j < rateLine-1; j++ {
			b.WriteByte('a' + byte((i*31+j*j*7)%26))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
