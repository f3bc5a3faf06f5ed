package scan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pace"
)

// scanner is a scan in the making.
type scanner struct {
	p        Params
	snapshot string
	pace     *pace.Pace
	started  time.Time

	mu    sync.Mutex
	items []Item // of questions
}

// Run scans the rows of all tables of a plan. What could not be read or asked is
// in the result; an error says that the scan could not begin, or was cancelled.
func Run(ctx context.Context, p Params) (*Result, error) {
	p, err := p.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &scanner{p: p, snapshot: p.Snapshot, pace: pace.New(p.Rate), started: time.Now()}
	conn, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { (&worker{conn: conn}).close(ctx) }()

	if err := s.respect(ctx, conn); err != nil {
		return nil, err
	}
	tables := tablesOf(p)
	if err := measure(ctx, conn, tables); err != nil {
		return nil, err
	}
	var pieces []piece
	var bytes int64
	for _, t := range tables {
		pieces = append(pieces, cut(p, t, major(conn))...)
	}
	// Largest first, so that none is left to finish alone.
	slices.SortStableFunc(pieces, func(a, b piece) int { return cmp.Compare(b.bytes, a.bytes) })
	for _, pc := range pieces {
		bytes += pc.bytes
	}
	p.Progress.Plan(len(pieces), bytes)
	if err := s.rows(ctx, pieces); err != nil {
		return nil, fmt.Errorf("scanning the rows of the source: %w", err)
	}
	if err := s.questions(ctx, tables); err != nil {
		return nil, fmt.Errorf("scanning the keys of the source: %w", err)
	}
	return s.result(tables), nil
}

// begin opens the connection that holds the snapshot, or one that joins it.
func (s *scanner) begin(ctx context.Context) (*pgx.Conn, error) {
	conn, err := s.p.Source.Connect(ctx, dial.Reader())
	if err != nil {
		return nil, err
	}
	if s.snapshot != "" {
		err = dial.BeginSnapshot(ctx, conn, s.snapshot)
	} else if _, err = conn.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err == nil {
		err = conn.QueryRow(ctx, "SELECT pg_catalog.pg_export_snapshot()").Scan(&s.snapshot)
	}
	if err != nil {
		(&worker{conn: conn}).close(ctx)
		return nil, fmt.Errorf("opening a snapshot on the source: %w", err)
	}
	return conn, nil
}

// respect keeps each statement below the statement_timeout that the server, the
// database or the role sets: readers lift it, and a scan has no need to.
func (s *scanner) respect(ctx context.Context, conn *pgx.Conn) error {
	if s.p.Timeout > 0 {
		return nil
	}
	var ms int64
	err := conn.QueryRow(ctx, "SELECT coalesce(max(reset_val::bigint), 0) FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'").Scan(&ms)
	if err != nil {
		return fmt.Errorf("reading the source's statement_timeout: %w", err)
	}
	s.p.Timeout = time.Duration(ms) * time.Millisecond
	return nil
}

// phase runs tasks on the jobs' connections.
func (s *scanner) phase(ctx context.Context, name string, n int, task func(ctx context.Context, w *worker, i int) error) error {
	if n == 0 {
		return nil
	}
	begun := time.Now()
	s.p.Bus.Emit(event.PhaseStarted{Phase: name, Items: n})
	defer func() { s.p.Bus.Emit(event.PhaseDone{Phase: name, Elapsed: time.Since(begun)}) }()
	next := make(chan int)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(next)
		for i := range n {
			select {
			case next <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range min(s.p.Jobs, n) {
		g.Go(func() error {
			w := &worker{s: s}
			defer w.close(ctx)
			for i := range next {
				if err := task(ctx, w, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// rows reads all pieces.
func (s *scanner) rows(ctx context.Context, pieces []piece) error {
	return s.phase(ctx, "scan", len(pieces), func(ctx context.Context, w *worker, i int) error {
		pc := pieces[i]
		if err := s.pace.Wait(ctx, pc.bytes, pc.rows); err != nil {
			return err
		}
		meter := s.p.Progress.Start(pc.event(int64(i + 1)))
		meter.Wait(event.WaitSource)
		err := w.piece(ctx, pc)
		meter.Add(0, pc.bytes)
		s.p.Progress.Finish(meter, err == nil)
		if err == nil && pc.t.done() {
			t := pc.t.summary()
			s.p.Bus.Emit(event.TableDone{Table: t.Table.String(), Parts: 1, Rows: t.Rows, Bytes: t.Bytes, Elapsed: time.Since(s.started)})
		}
		return err
	})
}

// questions asks what takes a query of its own: foreign keys, keys, sequences.
func (s *scanner) questions(ctx context.Context, tables []*table) error {
	var tasks []func(context.Context, *worker) error
	for _, t := range tables {
		for _, c := range t.active() {
			if !c.apart {
				continue
			}
			for _, r := range t.relations {
				if r.known {
					tasks = append(tasks, func(ctx context.Context, w *worker) error { return w.apart(ctx, t, r, c) })
				}
			}
		}
		if t.t == nil || len(t.relations) == 0 {
			continue
		}
		for _, q := range append(t.uniqueKeys(s.p), t.sequences(s.p)...) {
			if q.needed != nil && !q.needed() {
				continue
			}
			tasks = append(tasks, func(ctx context.Context, w *worker) error { return s.question(ctx, w, q) })
		}
	}
	return s.phase(ctx, "scan keys", len(tasks), func(ctx context.Context, w *worker, i int) error {
		if err := s.pace.Wait(ctx, 0, 0); err != nil {
			return err
		}
		return tasks[i](ctx, w)
	})
}

func (s *scanner) question(ctx context.Context, w *worker, q *question) error {
	var item Item
	if q.whole && s.p.Mode == Sample && q.table.partial {
		item = Item{
			Kind: q.kind, State: Unknown, Object: q.object, Table: q.table.tr.Source, What: q.what, Query: q.list, Refused: true,
			Why: "it takes all rows to know, and a sample was read",
		}
	} else {
		var err error
		if item, err = w.ask(ctx, q); err != nil {
			return err
		}
	}
	if item.State == Found && item.Count == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items = append(s.items, item)
	return nil
}

// result puts together what was seen, and names what was not.
func (s *scanner) result(tables []*table) *Result {
	r := &Result{Mode: s.p.Mode, Items: s.items, Elapsed: time.Since(s.started)}
	listed := map[catalog.Name]bool{}
	for _, t := range tables {
		listed[t.tr.Source] = true
		for _, rel := range t.relations {
			listed[rel.name] = true
		}
		if len(t.relations) == 0 {
			if t.tr.NoData == "" { // a tree without leaves, of which all is known
				r.Tables = append(r.Tables, t.summary())
			}
			continue
		}
		r.Tables = append(r.Tables, t.summary())
		r.Items = append(r.Items, t.items()...)
	}
	for i := range s.p.DB.Tables {
		t := &s.p.DB.Tables[i]
		if listed[t.Name] || t.Kind == catalog.TablePartitioned {
			continue
		}
		why := "it is not in the plan"
		if t.Kind == catalog.TableForeign {
			why = "it is a foreign table, whose rows are elsewhere"
		}
		r.Tables = append(r.Tables, Table{Table: t.Name, Why: why})
	}
	r.sort()
	return r
}
