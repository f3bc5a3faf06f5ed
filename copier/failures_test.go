package copier

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/event"
)

// The ledger keeps why a part failed, and no password that the target quotes.
func TestFailuresKeepNoSecret(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.both(t, "CREATE TABLE public.t (id integer)")
	p.source.Exec(t, "INSERT INTO public.t VALUES (1)")
	p.target.Exec(t, `CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
			RAISE 'cannot reach postgres://app:hunter2@elsewhere/db with password=hunter2 now'; END$$;
		CREATE TRIGGER refuse BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.refuse();
		ALTER TABLE public.t ENABLE ALWAYS TRIGGER refuse`)
	_, err := Copy(soon(t), p.params(t, transfer("t", "id")))
	require.Error(t, err)
	failed := p.target.QueryString(t, "SELECT failed FROM _pg2db9.part")
	require.Contains(t, failed, "cannot reach postgres://app:***@elsewhere/db with password=*** now")
	require.NotContains(t, failed, "hunter2")
	cut := failureOf(errors.New(strings.Repeat("x", failedText-40) + " postgres://app:" + strings.Repeat("hunter2", 10) + "@elsewhere/db"))
	require.NotContains(t, cut, "hunter2")
}

// Parts that failed for one reason are recorded together, and each keeps its own.
func TestFailuresAreRecordedByReason(t *testing.T) {
	t.Parallel()
	c := newLedgerCase(t, nil)
	n := catalog.Name{Schema: "public", Name: "t"}
	var parts []Part
	var failures []failure
	for i := range int64(fenceStep + 5) {
		parts = append(parts, Part{ID: i + 2, Target: n, Relation: n})
		failures = append(failures, failure{i + 2, "away"})
	}
	failures[7].why = "it's full"
	c.db.Exec(t, c.ledger.partRows(parts, "now"))
	require.NoError(t, c.ledger.giveUp(t.Context(), failures))
	require.Equal(t, fmt.Sprintf("%d 9", fenceStep+4), c.db.QueryString(t,
		"SELECT count(*) FILTER (WHERE failed = 'away') || ' ' || max(part) FILTER (WHERE failed = 'it''s full') FROM _pg2db9.part"))
}

// A session that holds the row of a part that failed, as one that outlived its
// client does, does not hold the run up: it ends, and says what failed.
func TestFailureThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.both(t, "CREATE TABLE public.t (id integer CHECK (id <> 2)); CREATE TABLE public.u (id integer)")
	p.source.Exec(t, "INSERT INTO public.t VALUES (1); ALTER TABLE public.t DROP CONSTRAINT t_id_check; INSERT INTO public.t VALUES (2); INSERT INTO public.u VALUES (1)")
	holder := p.target.Conn(t)
	_, err := holder.Exec(t.Context(), "BEGIN")
	require.NoError(t, err)
	params := p.params(t, transfer("t", "id"), transfer("u", "id"))
	params.survivorWait = 200 * time.Millisecond
	var held error
	params.Bus = event.NewBus(whenFailed(func() {
		_, held = holder.Exec(t.Context(), "SELECT FROM _pg2db9.part WHERE target_name = 't' FOR UPDATE")
	}))
	_, err = Copy(soon(t), params)
	require.NoError(t, held)
	var partial *PartialError
	require.ErrorAs(t, err, &partial)
	require.Len(t, partial.Failed, 1)
	require.ErrorContains(t, partial.Failed[0].Err, "t_id_check")
	p.same(t, "u")
	_, err = holder.Exec(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.Equal(t, "partial", p.target.QueryString(t, "SELECT state FROM _pg2db9.run"))
}

// whenFailed calls f where a part failed.
type whenFailed func()

func (f whenFailed) On(e event.Event) {
	if _, ok := e.(event.PartFailed); ok {
		f()
	}
}
