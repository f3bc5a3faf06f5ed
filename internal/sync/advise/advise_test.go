package advise_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/sync/advise"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const schema = `
CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, updated_at timestamptz NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint NOT NULL REFERENCES customers, "LastModified" timestamp NOT NULL);
CREATE TABLE lines (order_id bigint REFERENCES orders, n int, primary key (order_id, n));
CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree, updated_at timestamptz);
CREATE TABLE events (id bigserial PRIMARY KEY, at timestamptz DEFAULT now());
CREATE TABLE jobs (id bigserial PRIMARY KEY, state text);
CREATE TABLE idle (id bigserial PRIMARY KEY);
CREATE TABLE log (line text);
CREATE TABLE codes (code text NOT NULL UNIQUE, updated_on date NOT NULL);
CREATE TABLE maybe (code text UNIQUE);
CREATE TABLE late (id int PRIMARY KEY DEFERRABLE, updated_at timestamptz NOT NULL);
CREATE TABLE days (id bigint GENERATED ALWAYS AS IDENTITY, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE "on" ("off" int PRIMARY KEY, "upd ated" int);
CREATE TABLE "Odd: #, 'Name'
" ("id [x]" int PRIMARY KEY, changed_at timestamptz NOT NULL);
CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE far (id int) SERVER s;
INSERT INTO events SELECT FROM generate_series(1, 10);
INSERT INTO jobs (state) VALUES ('new');
UPDATE jobs SET state = 'done';
`

// TestAdvice looks at a database, and reads the file that is written of it.
func TestAdvice(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, schema)
	conn := db.Conn(t)
	var activity map[catalog.Name]advise.Activity
	counted := func() bool {
		_, err := conn.Exec(t.Context(), "SELECT pg_catalog.pg_stat_clear_snapshot()")
		require.NoError(t, err)
		activity, err = advise.ReadActivity(t.Context(), conn)
		require.NoError(t, err)
		return activity[in("events")].Inserted == 10 && activity[in("jobs")].Updated == 1
	}
	require.Eventually(t, counted, 30*time.Second, 20*time.Millisecond, "statistics come a little late")
	var model *catalog.Database
	require.NoError(t, pgx.BeginTxFunc(t.Context(), conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		model, err = catalog.Load(t.Context(), tx, catalog.LoadOptions{})
		return err
	}))

	all, left := advise.ForTables(model, activity)
	var b strings.Builder
	require.NoError(t, advise.Write(&b, all, left, advise.FileOptions{
		Source: "shop at\nhome", At: time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC), Schedule: "*/15 * * * *", Timezone: "Europe/Berlin",
	}))
	f, err := jobfile.Parse("sync.yaml", []byte(b.String()))
	require.NoError(t, err, b.String())
	require.Len(t, f.Tables, 14)
	for _, c := range []struct {
		table, group string
		mode         jobfile.Mode
		cursor       string
		key          []string
		why          string
	}{
		{"customers", "customers", jobfile.Upsert, "updated_at", []string{"id"}, "primary key (id); updated_at looks like the time of a row's last change"},
		{"orders", "customers", jobfile.Upsert, "LastModified", []string{"id"}, `"LastModified" looks like`},
		{"lines", "customers", jobfile.Mirror, "", nil, "primary key (order_id, n); no column tells a row's last change"},
		{"tree", "", jobfile.Mirror, "", nil, "updated_at looks like the time of a row's last change, and takes NULL"},
		{"events", "", jobfile.Append, "id", []string{"id"}, "10 rows inserted, none updated, none deleted"},
		{"jobs", "", jobfile.Mirror, "", nil, "rows were updated (1) or deleted (0)"},
		{"idle", "", jobfile.Mirror, "", nil, "no column tells a row's last change"},
		{"log", "", jobfile.Mirror, "", nil, "compared as a whole"},
		{"codes", "", jobfile.Mirror, "", nil, "unique key (code); no column tells"}, // a day is no moment
		{"maybe", "", jobfile.Mirror, "", nil, "compared as a whole"},                // its key may be NULL
		{"late", "", jobfile.Mirror, "", nil, "compared as a whole"},                 // no ON CONFLICT by a key that is checked later
		{"days", "", jobfile.Mirror, "", nil, "primary key (id, day)"},
		{"on", "", jobfile.Mirror, "", nil, `primary key (off)`},
		{"Odd: #, 'Name'\n", "", jobfile.Upsert, "changed_at", []string{"id [x]"}, `primary key ("id [x]")`},
	} {
		table := f.Table(in(c.table))
		require.NotNil(t, table, "%s in\n%s", c.table, b.String())
		require.Equal(t, c.mode, table.Mode, c.table)
		require.Equal(t, c.group, table.Group, c.table)
		require.Equal(t, c.cursor, table.Cursor, c.table)
		require.Equal(t, c.key, table.Key, c.table)
		require.Equal(t, c.group == "", table.Schedule == "*/15 * * * *", c.table)
		i := strings.Index(b.String(), "- {table: "+line(c.table))
		above := b.String()[:i]
		above = above[strings.LastIndex(above, "Best mode"):]
		require.Contains(t, above, "Best mode "+string(c.mode)+": ", c.table)
		require.Contains(t, above, c.why, c.table)
	}
	require.Equal(t, "*/15 * * * *", f.Group("customers").Schedule)
	require.Contains(t, b.String(), "# public.far is left out: it is a foreign table")
	require.Contains(t, b.String(), "of shop at?home, 2026-06-10 12:00 UTC")
	require.NotContains(t, b.String(), "days_1")
}

// line is how a table's name begins its line.
func line(name string) string {
	if strings.HasPrefix(name, "Odd") {
		return `"public.\"Odd`
	}
	return "public." + name
}

func in(name string) catalog.Name { return catalog.Name{Schema: "public", Name: name} }
