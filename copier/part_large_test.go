package copier

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// A heap with fifteen times as much TOAST, most of it on a twentieth of the rows,
// is cut into parts of which the largest has at most 1.6 times the bytes of the
// median. With SPLIT_LARGE_MB=3000 it is 200 MB of heap and 3 GB of TOAST, takes a
// minute or two and 10 GB, and the longest part lasts at most 1.5 times the median.
func TestLumpyTOASTLarge(t *testing.T) {
	t.Parallel()
	mb, _ := strconv.Atoi(os.Getenv("SPLIT_LARGE_MB"))
	large := mb > 0
	p := newPair(t)
	if large {
		p.source = pgtest.New(t, pgtest.ClusterOptions{}).Database(t) // so that neither server waits for the other's checkpoints
	} else {
		mb = 32
	}
	p.both(t, "CREATE TABLE public.t (id bigint, filler text, payload bytea); ALTER TABLE public.t ALTER payload SET STORAGE EXTERNAL")
	// A row of heap for each 4 kB of TOAST; 48 kB each on a twentieth, 32 kB on each twentieth of the others.
	p.source.Exec(t, fmt.Sprintf(`INSERT INTO public.t SELECT n, repeat('x', 200), CASE
			WHEN n BETWEEN m * 0.4 AND m * 0.45 THEN decode(repeat(md5(n::text), 3072), 'hex')
			WHEN n %% 20 = 7 THEN decode(repeat(md5(n::text), 2048), 'hex') END
		FROM (SELECT %d AS m) x, generate_series(1, m) n`, mb<<20/4096))
	t.Log(p.source.QueryString(t, "SELECT 'heap ' || pg_size_pretty(pg_relation_size('t')) || ', TOAST ' || pg_size_pretty(pg_relation_size(reltoastrelid)) FROM pg_class WHERE oid = 't'::regclass"))
	for _, guess := range []bool{true, false} {
		p.target.Exec(t, "TRUNCATE public.t")
		p.events.events = nil
		params := p.params(t, transfer("t", "id", "filler", "payload"))
		params.Split.Guess = guess
		if !large {
			params.Split.largest, params.Split.smallest = 4<<20, 1<<20
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		res, err := Copy(ctx, params)
		complete(t, res, err)
		var lasted []time.Duration
		var sent []int64
		for _, e := range p.events.events {
			if d, ok := e.(event.PartDone); ok {
				lasted, sent = append(lasted, d.Elapsed), append(sent, d.Bytes)
			}
		}
		slices.Sort(lasted)
		slices.Sort(sent)
		longest := float64(lasted[len(lasted)-1]) / float64(lasted[len(lasted)/2])
		largest := float64(sent[len(sent)-1]) / float64(sent[len(sent)/2])
		t.Logf("looked at: %v; %d parts, the longest lasts %.2f times the median, the largest has %.2f times its bytes; %v", !guess, len(lasted), longest, largest, lasted)
		require.Greater(t, len(sent), 4)
		switch {
		case guess:
			require.Greater(t, largest, 1.5, "the data is to be one that no guess cuts well")
		case large:
			require.LessOrEqual(t, longest, 1.5)
		default:
			require.LessOrEqual(t, largest, 1.6) // of small parts one row is a tenth
		}
	}
}
