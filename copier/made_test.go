package copier

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/event"
)

// counting makes parts of rows that are a number and a text.
type counting struct{ parts, rows int }

func (m counting) Parts() []Part {
	var out []Part
	name := catalog.Name{Schema: "public", Name: "t"}
	for i := range m.parts {
		out = append(out, Part{ID: int64(i + 1), Target: name, Relation: name, First: int64(i * m.rows), Blocks: true, End: int64((i + 1) * m.rows), Bytes: int64(m.rows) * 20})
	}
	return out
}

func (m counting) Open(p Part) MadeRows { return &countingRows{next: p.First, end: p.End} }

type countingRows struct {
	next, end, made int64
	rest            []byte
}

func (r *countingRows) Made() int64 { return r.made }

func (r *countingRows) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.next == r.end {
			return 0, io.EOF
		}
		r.rest = message(nil, 'd', fmt.Appendf(nil, "%d\trow %d\n", r.next, r.next))
		r.next++
		r.made++
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Made rows go the way of rows that are read: relay, digest, batches and ledger,
// under each way of waiting for answers; to nothing they go without a server.
func TestMadeRowsAreCopied(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.target.Exec(t, "CREATE TABLE t (a bigint PRIMARY KEY, b text)")
	bounded, awaited := ddlgen.Postgres(), ddlgen.Postgres()
	bounded.BatchRows, bounded.Window = 700, 4
	awaited.BatchBytes, awaited.Await = 20_000, true
	for name, profile := range map[string]ddlgen.Profile{"whole parts": ddlgen.Postgres(), "a window": bounded, "awaited": awaited} {
		for _, nowhere := range []bool{false, true} {
			var mu sync.Mutex
			var batches []Batch
			params := Params{
				Target: parse(t, "target", p.target.URL), Made: counting{parts: 3, rows: 2500}, Profile: profile, Run: NewRunID(), Jobs: 2,
				Plan: &ddlgen.Plan{SourceHash: "made", Transfers: []ddlgen.Transfer{transfer("t", "a", "b")}}, Truncate: []catalog.Name{{Schema: "public", Name: "t"}},
				Progress: &event.Progress{}, Bus: event.NewBus(p.events),
				Batches: func(b Batch) {
					mu.Lock()
					defer mu.Unlock()
					batches = append(batches, b)
				},
			}
			how := Copy
			if nowhere {
				how = Discard
			}
			res, err := how(soon(t), params)
			require.NoError(t, err, name)
			r := res.Tables[0]
			require.Equal(t, []int64{7500, 7500, 7500}, []int64{r.Read, r.Framed, r.Acked}, name)
			require.Equal(t, []int{3, 3}, []int{r.Parts, r.PartsDone}, name)
			var sum Batch
			for _, b := range batches {
				require.Positive(t, b.Took)
				sum.Rows, sum.Bytes = sum.Rows+b.Rows, sum.Bytes+b.Bytes
			}
			require.Equal(t, []int64{7500, r.Bytes}, []int64{sum.Rows, sum.Bytes}, name)
			if name == "a window" {
				require.Len(t, batches, 12, "four batches a part")
			}
			if !nowhere {
				complete(t, res, err)
				require.Equal(t, "7500 28121250", p.target.QueryString(t, "SELECT count(*) || ' ' || sum(a) FROM t WHERE b = 'row ' || a"))
			}
		}
	}
}

// What is discarded is what the source holds, counted by itself; a run that is
// stopped ends with its batches, one whose context ends at once.
func TestDiscard(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.source.Exec(t, "CREATE TABLE t (a bigint, b text); INSERT INTO t SELECT n, repeat('x', 50) FROM generate_series(1, 30000) n; CREATE TABLE empty (a int)")
	params := p.params(t, transfer("t", "a", "b"), transfer("empty", "a"))
	params.Target = nil
	params.Split = Split{largest: 400_000, smallest: 100_000}
	res, err := Discard(soon(t), params)
	require.NoError(t, err)
	require.Equal(t, []int64{30_000, 30_000, 30_000}, []int64{res.Tables[0].Read, res.Tables[0].Framed, res.Tables[0].Acked})
	require.Greater(t, res.Tables[0].Parts, 3)
	require.Equal(t, 1, res.Tables[1].PartsDone)

	stop := make(chan struct{})
	var once sync.Once
	params.Stop, params.Profile.BatchRows, params.Jobs = stop, 100, 1
	params.Batches = func(Batch) { once.Do(func() { close(stop) }) }
	res, err = Discard(soon(t), params)
	require.NoError(t, err)
	require.Less(t, res.Tables[0].Acked, int64(30_000))
	require.Positive(t, res.Tables[0].Acked)

	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, context.Canceled)
	defer cancel()
	params.Stop, params.Batches, params.Made, params.Source = nil, nil, counting{parts: 1, rows: 1 << 40}, nil
	_, err = Discard(ctx, params)
	require.ErrorIs(t, err, context.Canceled)
}
