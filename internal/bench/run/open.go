package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/bench/stats"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/preflight"
)

// open connects to both sides, measures what that costs, and makes the place for
// what is written.
func (m *measurement) open(ctx context.Context) (err error) {
	for _, s := range m.p.Grid.Shapes {
		m.shapes[s.Name] = s
	}
	if e := m.p.Source; e != nil {
		m.source = e.WithApplication(Application)
		if m.res.Source, err = about(ctx, e, copier.ReaderSettings(m.p.Profile)); err != nil {
			return err
		}
		if m.askSource, err = newAsker(ctx, e, Application); err != nil {
			return err
		}
	}
	if e := m.p.Target; e != nil {
		m.target = e.WithApplication(Application)
		if m.res.Target, err = about(ctx, e, copier.WriterSettings(m.p.Profile)); err != nil {
			return err
		}
		if m.askTarget, err = newAsker(ctx, e, Application); err != nil {
			return err
		}
	}
	if m.source != nil && m.target != nil {
		same, how, err := preflight.SameDatabase(ctx, m.askSource.conn, m.askTarget.conn)
		if err != nil {
			return err
		}
		if same {
			return fmt.Errorf("source and target are the same database (%s): the target must be another one", how)
		}
	}
	if m.source != nil {
		if m.tables, err = openTables(ctx, m.source, m.p.Profile, m.p.Filter); err != nil {
			return err
		}
		if m.p.slower != nil {
			m.p.slower(m.tables)
		}
	}
	if m.target != nil {
		if m.box, err = openSandbox(ctx, m.p.Target, m.p.Profile); err != nil {
			return err
		}
		return m.fit(ctx)
	}
	return nil
}

// fit changes shapes that the target has no types for.
func (m *measurement) fit(ctx context.Context) error {
	for name, s := range m.shapes {
		if !s.NeedsVector() {
			continue
		}
		if _, err := m.box.conn.Exec(ctx, "SELECT CAST(NULL AS vector)"); err == nil {
			continue
		} else if ctx.Err() != nil || dial.SQLState(err) == "" {
			return fmt.Errorf("asking the target for the type vector: %w", err)
		}
		m.shapes[name] = s.WithoutVector()
		m.note(fmt.Sprintf("the target's session has no type vector: the vectors of shape %s were arrays of real", name))
	}
	return nil
}

const (
	connects   = 3
	roundTrips = 11
)

// about measures what it costs to talk to a server.
func about(ctx context.Context, e *dial.Endpoint, settings dial.Settings) (*result.Server, error) {
	s := &result.Server{URL: e.String(), Transport: e.Transport()}
	var setups, trips []float64
	ms := func(since time.Time) float64 { return float64(time.Since(since)) / float64(time.Millisecond) }
	for i := range connects {
		began := time.Now()
		conn, err := e.Connect(ctx, settings)
		if err != nil {
			return nil, err
		}
		setups = append(setups, ms(began))
		if i == 0 {
			s.Version, err = ask(ctx, conn, func(began time.Time) { trips = append(trips, ms(began)) })
		}
		closeConn(ctx, conn)
		if err != nil {
			return nil, err
		}
	}
	s.Connect, s.RoundTrip = stats.Median(setups), stats.Median(trips)
	return s, nil
}

// ask asks a server who it is, and tells when it asked each of some questions that
// need no work.
func ask(ctx context.Context, conn *pgx.Conn, answered func(asked time.Time)) (version string, err error) {
	who, err := preflight.Ask(ctx, conn)
	if err != nil {
		return "", fmt.Errorf("asking a server who it is: %w", err)
	}
	for range roundTrips {
		began := time.Now()
		if _, err := conn.PgConn().Exec(ctx, "SELECT 1").ReadAll(); err != nil {
			return "", errors.Join(errors.New("measuring a round trip"), err)
		}
		answered(began)
	}
	return who.Text, nil
}
