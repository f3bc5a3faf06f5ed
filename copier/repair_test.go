package copier

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// repairCase is a repair of the pair's tables that are the same on both sides.
func repairCase(t *testing.T, p *pair, tables ...RepairTable) (RepairResult, error) {
	t.Helper()
	target := parse(t, dial.Target, p.target.URL)
	run := NewRunID()
	lease, err := BeginRun(t.Context(), RunParams{Target: target, Settings: ControlSettings(p.profile), Run: Run{ID: run, Options: "{}"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, lease.End(t.Context(), "")) }()
	params := RepairParams{
		Source: parse(t, dial.Source, p.source.URL), Snapshot: p.open(t), Target: target, Profile: p.profile, Run: run, Tables: tables, Delete: true,
	}
	for _, x := range tables {
		params.Whole = append(params.Whole, x.Transfer.Target)
	}
	conn := p.target.Conn(t)
	require.NoError(t, ClaimRepair(t.Context(), conn, run, params.Whole))
	defer func() { require.NoError(t, EndRepair(t.Context(), conn, run)) }()
	return Repair(soon(t), params)
}

// keyed is a transfer of a table with a key.
func keyed(t ddlgen.Transfer, key ...string) *ddlgen.Transfer {
	t.Key = key
	return &t
}

func keyText(value string) []*string { return []*string{&value} }

// Equal rows of a table without a key that are refused at first are all written
// when what they refer to is there.
func TestRepairKeepsCopiesBetweenRounds(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.both(t, "CREATE TABLE public.parent (id integer PRIMARY KEY); CREATE TABLE public.bag (id integer REFERENCES public.parent)")
	p.source.Exec(t, "INSERT INTO public.parent VALUES (7); INSERT INTO public.bag VALUES (7), (7), (7)")
	hi, lo := digest.Hash([]byte("7"))
	bag := transfer("bag", "id")
	got, err := repairCase(t, p,
		RepairTable{Transfer: &bag, Rows: []RepairRow{{Kind: RepairMissing, Hash: [2]uint64{hi, lo}, Copies: 3}}},
		RepairTable{Transfer: keyed(transfer("parent", "id"), "id"), Rows: []RepairRow{{Kind: RepairMissing, Key: keyText("7"), Copies: 1}}})
	require.NoError(t, err)
	require.Empty(t, got.Refused)
	require.Equal(t, int64(4), got.Inserted)
	p.same(t, "bag", "parent")
}

// Where triggers are kept from acting, foreign keys are too: no row is deleted, and
// no column changed, to which a table that is not compared may refer.
func TestRepairLeavesNoOrphans(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.both(t, `CREATE TABLE public.up (id integer PRIMARY KEY, code integer UNIQUE, v text); CREATE TABLE public.plain (id integer PRIMARY KEY)`)
	p.source.Exec(t, "INSERT INTO public.up VALUES (1, 10, 'a'), (3, 30, 'c')")
	p.target.Exec(t, `INSERT INTO public.up VALUES (1, 11, 'a'), (2, 20, 'b'), (3, 30, 'x'); INSERT INTO public.plain VALUES (5);
		CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TRIGGER quiet BEFORE UPDATE ON public.up FOR EACH ROW EXECUTE FUNCTION public.nothing();
		CREATE TABLE public.down (up integer REFERENCES public.up, code integer REFERENCES public.up (code), plain integer REFERENCES public.plain) PARTITION BY RANGE (up);
		CREATE TABLE public.down_1 PARTITION OF public.down DEFAULT;
		INSERT INTO public.down VALUES (2, NULL, NULL), (NULL, 11, NULL), (NULL, NULL, 5)`)
	up, plain := keyed(transfer("up", "id", "code", "v"), "id"), keyed(transfer("plain", "id"), "id")
	code := RepairRow{Kind: RepairChanged, Key: keyText("1"), Columns: []string{"code"}, Copies: 1}
	extra := RepairRow{Kind: RepairExtra, Key: keyText("2"), Copies: 1}
	other := RepairRow{Kind: RepairChanged, Key: keyText("3"), Columns: []string{"v"}, Copies: 1}
	for _, rows := range [][]RepairRow{{extra}, {code, other}} {
		got, err := repairCase(t, p, RepairTable{Transfer: up, Rows: rows})
		require.NoError(t, err)
		require.Len(t, got.Refused, 1)
		require.Contains(t, got.Refused[0].Why, "a foreign key of public.down, which is not among the tables that are compared")
		require.Equal(t, "1 11 a,2 20 b,3 30 x", p.target.QueryString(t, "SELECT string_agg(concat_ws(' ', id, code, v), ',' ORDER BY id) FROM public.up"))
	}
	got, err := repairCase(t, p, RepairTable{Transfer: up, Rows: []RepairRow{other}}, RepairTable{Transfer: plain, Rows: []RepairRow{{Kind: RepairExtra, Key: keyText("5"), Copies: 1}}})
	require.NoError(t, err)
	require.Equal(t, int64(1), got.Updated, "what nobody refers to is written")
	require.Len(t, got.Refused, 1)
	require.Contains(t, got.Refused[0].Why, "(23503)", "without triggers the target checks its foreign keys itself")

	// Where the table that refers is compared too, its rows are looked at again.
	down := transfer("down", "up", "code", "plain")
	got, err = repairCase(t, p, RepairTable{Transfer: up, Rows: []RepairRow{extra}}, RepairTable{Transfer: &down})
	require.NoError(t, err)
	require.Empty(t, got.Refused)
	require.Equal(t, int64(1), got.Deleted)
}
