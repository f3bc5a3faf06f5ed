package copier

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/event"
)

// span of a run's parts: from the first that began to the last that was done.
type reading struct{ begun, done time.Time }

// On implements event.Listener.
func (r *reading) On(e event.Event) {
	switch e.(type) {
	case event.PartStarted:
		if r.begun.IsZero() {
			r.begun = time.Now()
		}
	case event.PartDone:
		r.done = time.Now()
	default:
	}
}

// --max-rate holds over all jobs, within a tenth and what is read last: with one large table, with many
// small ones, and in every way of batching.
func TestMaxRateHolds(t *testing.T) {
	t.Parallel()
	for shape, tables := range map[string]int{"large": 2, "small": 60} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			everyBatching(t, func(t *testing.T, p *pair) {
				t.Helper()

				p.profile.BatchRows *= 10
				p.profile.BatchBytes *= 10
				const rate = 500_000
				names, transfers := p.manyTables(t, tables, 24_000/tables)
				params := p.params(t, transfers...)
				params.Jobs, params.MaxRate = 3, rate
				r := &reading{}
				params.Bus = event.NewBus(p.events, r)
				res, err := Copy(soon(t), params)
				complete(t, res, err)
				var bytes int64
				for _, x := range res.Tables {
					bytes += x.Bytes
				}
				took := r.done.Sub(r.begun).Seconds()
				// What each job read last, less than paceEvery, is not waited for at the end.
				// A busy machine may take longer by itself.
				require.LessOrEqual(t, float64(bytes), rate*took*1.1+float64(params.Jobs*paceEvery), "%d bytes in %.2f s", bytes, took)
				require.Greater(t, float64(bytes), rate*took/6, "%d bytes in %.2f s", bytes, took)
				p.same(t, names...)
			})
		})
	}
}
