package pace_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pace"
)

// Each piece has its time, whoever reads it; a cancelled reader waits no longer.
func TestPace(t *testing.T) {
	t.Parallel()
	p := pace.New(pace.Rate{Bytes: 1000, Rows: 10})
	require.NoError(t, p.Wait(t.Context(), 500, 1), "the first begins at once")
	require.InDelta(t, 0.5, p.Take(1000, 600).Seconds(), 0.3)
	require.InDelta(t, 60.5, p.Take(0, 0).Seconds(), 0.3, "600 rows at 10 a second")
	require.InDelta(t, 61.5, p.Pay(1000, 0).Seconds(), 0.3, "what was read has its own time too")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, p.Wait(ctx, 1, 1), context.Canceled)
	free := pace.New(pace.Rate{})
	require.Nil(t, free)
	free.Take(1<<40, 1<<40)
	require.NoError(t, free.Wait(t.Context(), 1, 1))
}

// Many small pieces keep the rate: timers that fire late are made up for.
func TestPaceOfSmallPieces(t *testing.T) {
	t.Parallel()
	least := time.Hour
	for range 4 { // a busy machine may be later still, but not each time
		p := pace.New(pace.Rate{Bytes: 100_000})
		started := time.Now()
		for range 500 {
			require.NoError(t, p.Wait(t.Context(), 200, 0))
		}
		if least = min(least, time.Since(started)); least < 1250*time.Millisecond {
			break
		}
	}
	require.InDelta(t, 1, least.Seconds(), 0.25, "100 kB at 100 kB a second")
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
