package copier

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// tellNotes hands notes on.
type tellNotes chan string

func (c tellNotes) On(e event.Event) {
	if n, ok := e.(event.Note); ok {
		c <- n.Text
	}
}

// A statement gives way while another session holds a lock that it needs: it says
// who that is, comes again, and succeeds when the lock is given back; else it fails
// with what to do. The same in a transaction of all, which is begun again.
func TestApplyWaitsForLocksInTurns(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	for _, atomic := range []bool{false, true} {
		for _, given := range []bool{true, false} {
			name := fmt.Sprintf("t_%t_%t", atomic, given)
			table := catalog.Name{Schema: "public", Name: name}
			db.Exec(t, "CREATE TABLE public."+name+" (id integer)")
			holder := db.Conn(t)
			_, err := holder.Exec(t.Context(), "BEGIN; LOCK TABLE public."+name+" IN ACCESS SHARE MODE")
			require.NoError(t, err)
			s := statement(name, ddlgen.PhaseKeys, "ALTER TABLE public."+name+" ADD PRIMARY KEY (id)")
			s.Table = &table
			notes := make(tellNotes, 1)
			p := ApplyParams{
				Target: parse(t, dial.Target, db.URL), Settings: dial.Writer(), Jobs: 1, Atomic: atomic, Bus: event.NewBus(notes), lockTimeout: 50 * time.Millisecond,
				Statements: []ddlgen.Statement{s},
			}
			if !given {
				p.Patience = 200 * time.Millisecond
			}
			var got *Applied
			ended := inBackground(func() (err error) { got, err = Apply(soon(t), p); return err })
			require.Contains(t, <-notes, fmt.Sprintf("waits for a lock that is held by session %d", holder.PgConn().PID()))
			if !given {
				require.Equal(t, atomic, ended() != nil)
				require.Len(t, got.Failed, 1)
				if !atomic {
					require.ErrorContains(t, got.Failed[0].Err, "end it (pg_locks names it), and run the command again")
				}
				continue
			}
			_, err = holder.Exec(t.Context(), "ROLLBACK")
			require.NoError(t, err)
			require.NoError(t, ended())
			require.Equal(t, []string{name}, got.Done)
		}
	}
}

// An index that is built for longer than locks are waited for is in nobody's way
// that belongs to the run: the table's other statements wait for it here.
func TestApplyLongBuildIsNoBlocker(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE FUNCTION public.slowly(i integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM pg_sleep(0.05); RETURN i; END$$;
		CREATE TABLE public.t (id integer); INSERT INTO public.t SELECT generate_series(1, 10)`)
	table := catalog.Name{Schema: "public", Name: "t"}
	var statements []ddlgen.Statement
	for id, sql := range map[string]string{
		"i1": "CREATE INDEX i1 ON public.t (public.slowly(id))", "i2": "CREATE INDEX i2 ON public.t (public.slowly(id))",
		"pk": "ALTER TABLE public.t ADD PRIMARY KEY (id)", "ck": "ALTER TABLE public.t ADD CHECK (public.slowly(id) > 0)",
	} {
		s := statement(id, ddlgen.PhaseKeys, sql)
		s.Table, s.Object.Kind = &table, map[bool]string{true: "index", false: "constraint"}[strings.HasPrefix(id, "i")]
		statements = append(statements, s)
	}
	notes := make(tellNotes, 10)
	got, err := Apply(soon(t), ApplyParams{
		Target: parse(t, dial.Target, db.URL), Settings: dial.Writer(), Jobs: 4, Statements: statements, Bus: event.NewBus(notes),
		lockTimeout: 20 * time.Millisecond, Patience: 100 * time.Millisecond,
	})
	require.NoError(t, err)
	require.Empty(t, got.Failed)
	require.Empty(t, notes, "none met another's lock")

	// Light ones that share flights wait too, for what a heavy table's foreign key
	// holds of the table that it refers to.
	large, parent := catalog.Name{Schema: "public", Name: "large"}, catalog.Name{Schema: "public", Name: "parent"}
	db.Exec(t, "CREATE TABLE public.parent (id integer PRIMARY KEY); CREATE TABLE public.child (id integer)")
	s := statement("large", ddlgen.PhaseForeignKeys, "DO $$BEGIN LOCK TABLE public.parent IN SHARE ROW EXCLUSIVE MODE; PERFORM pg_sleep(0.5); END$$")
	s.Table, s.RefTable = &large, &parent
	statements = []ddlgen.Statement{s}
	for i := range 10 {
		child := catalog.Name{Schema: "public", Name: "child"}
		s := statement(fmt.Sprint("fk", i), ddlgen.PhaseForeignKeys, "ALTER TABLE public.child ADD FOREIGN KEY (id) REFERENCES public.parent")
		s.Table, s.RefTable = &child, &parent
		statements = append(statements, s)
	}
	got, err = Apply(soon(t), ApplyParams{
		Target: parse(t, dial.Target, db.URL), Settings: dial.Writer(), Jobs: 2, Window: 16, Statements: statements, Bus: event.NewBus(notes),
		Weight: map[catalog.Name]int64{large: lightBytes + 1}, lockTimeout: 20 * time.Millisecond, Patience: 100 * time.Millisecond,
	})
	require.NoError(t, err)
	require.Empty(t, got.Failed)
	require.Len(t, got.Done, 11)
	require.Empty(t, notes, "none met another's lock")
}

// A user's stop ends the waiting for a lock: the statement did not fail, and
// nobody is told to end the session that holds it.
func TestApplyStopsWaitingForALock(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, "CREATE TABLE public.t (id integer)")
	holder := db.Conn(t)
	_, err := holder.Exec(t.Context(), "BEGIN; LOCK TABLE public.t IN ACCESS SHARE MODE")
	require.NoError(t, err)
	table := catalog.Name{Schema: "public", Name: "t"}
	s := statement("t", ddlgen.PhaseKeys, "ALTER TABLE public.t ADD PRIMARY KEY (id)")
	s.Table = &table
	for _, atomic := range []bool{false, true} {
		notes, stop := make(tellNotes, 1), make(chan struct{})
		var got *Applied
		ended := inBackground(func() (err error) {
			got, err = Apply(soon(t), ApplyParams{
				Target: parse(t, dial.Target, db.URL), Settings: dial.Writer(), Jobs: 1, Atomic: atomic, Bus: event.NewBus(notes), lockTimeout: 50 * time.Millisecond,
				Statements: []ddlgen.Statement{s}, Stop: stop, StopAtFirst: true,
			})
			return err
		})
		<-notes
		close(stop)
		if err := ended(); atomic {
			require.ErrorIs(t, err, errStopped)
		} else {
			require.NoError(t, err)
		}
		require.Empty(t, got.Failed)
		require.Equal(t, []SkippedStatement{{s, "stopped by the user"}}, got.Skipped)
		require.Equal(t, atomic, got.RolledBack)
	}
}
