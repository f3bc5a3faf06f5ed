package pace_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pace"
)

// Each piece has its time, whoever reads it; a cancelled reader waits no longer.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pace.New(pace.Rate{Bytes: 1000, Rows: 10})
		require.NoError(t, p.Wait(t.Context(), 500, 1), "the first begins at once")
		require.Equal(t, 500*time.Millisecond, p.Take(1000, 600))
		require.Equal(t, 60*time.Second+500*time.Millisecond, p.Take(0, 0), "600 rows at 10 a second")
		require.Equal(t, 61*time.Second+500*time.Millisecond, p.Pay(1000, 0), "what was read has its own time too")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, p.Wait(ctx, 1, 1), context.Canceled)
		free := pace.New(pace.Rate{})
		require.Nil(t, free)
		free.Take(1<<40, 1<<40)
		require.NoError(t, free.Wait(t.Context(), 1, 1))
	})
}

// Many small pieces keep the rate, also where timers fire late: that is made up for.
func TestPaceOfSmallPieces(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{0, 9 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			p := pace.New(pace.Rate{Bytes: 100_000})
			started := time.Now()
			for i := range 500 {
				require.NoError(t, p.Wait(t.Context(), 200, 0))
				if i%10 == 0 {
					time.Sleep(late)
				}
			}
			require.InDelta(t, 1, time.Since(started).Seconds(), 0.25, "100 kB at 100 kB a second")
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]pace.Rate{"": {}, "10MB": {Bytes: 10_000_000}, "1 MiB/s": {Bytes: 1 << 20}, "5rows": {Rows: 5}} {
		got, err := pace.ParseRate(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, want := range map[string]int64{"": 0, "16MB": 16_000_000, "1GiB": 1 << 30, "4096": 4096} {
		got, err := pace.ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"much", "0", "-1", "1MB/s"} {
		_, err := pace.ParseSize(text)
		require.ErrorContains(t, err, text)
	}
}
