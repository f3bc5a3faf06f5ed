package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// standIn puts a stand-in before the bundle's target, which keeps its name.
func (b *bundle) standIn(t *testing.T, rules *db9sim.RuleSet) string {
	t.Helper()
	sim, err := db9sim.Start(t.Context(), db9sim.Config{Rules: rules, Backend: b.target.URL})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	return withPassword(sim.URL())
}

// profileOf is the profile in the report that a call with --json printed.
func profileOf(t *testing.T, r result) map[string]any {
	t.Helper()
	for _, o := range jsonObjects(t, r.out) {
		if o["type"] == "report" {
			return o["report"].(map[string]any)["profile"].(map[string]any)
		}
	}
	require.Fail(t, "no report", r.out)
	return nil
}

func phaseOf(t *testing.T, r result, name string) bool {
	t.Helper()
	for _, o := range jsonObjects(t, r.out) {
		if o["type"] == "phase_done" && o["phase"] == name {
			return true
		}
	}
	return false
}

func noScratch(t *testing.T, db *pgtest.DB) {
	t.Helper()
	require.Equal(t, "0", db.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname = '_pg2db9_probe'"))
}

func TestProbeCommand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "probe.json")
	r := run(t, "probe", "--target", withPassword(b.target.URL), "--probe-cache", dir, "--report", file, "--jobs", "8")
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, "Facts of the target: ")
	require.Regexp(t, `31 +pipelining +proved +in-order`, r.out)
	require.Regexp(t, `33 +limits +assumed`, r.out)
	require.Contains(t, r.out, "profile  await: true -> false")
	require.Contains(t, r.out, "simulated: the target is no DB9")
	require.Regexp(t, `^probed: \d+ proved, \d+ refuted, \d+ assumed$`, r.last())
	noScratch(t, b.target)

	data, err := os.ReadFile(file)
	require.NoError(t, err)
	noSecret(t, string(data))
	var rep struct {
		Profile struct {
			Settings map[string]any
			Probe    struct{ Facts []map[string]any }
		}
	}
	require.NoError(t, json.Unmarshal(data, &rep))
	require.Len(t, rep.Profile.Probe.Facts, 33)
	require.Equal(t, false, rep.Profile.Settings["await"])

	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	data, err = os.ReadFile(files[0])
	require.NoError(t, err)
	noSecret(t, string(data))
}

func TestProbeCommandSelects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := t.TempDir()
	r := run(t, "probe", "--target", withPassword(b.target.URL), "--only", "serializable,5", "--skip-probe", "5", "--probe-cache", dir, "--json")
	require.Equal(t, OK, r.code, r.err)
	facts := profileOf(t, r)["probe"].(map[string]any)["facts"].([]any)
	for _, f := range facts {
		want := "skipped"
		if f.(map[string]any)["number"] == 4.0 {
			want = "proved"
		}
		require.Equal(t, want, f.(map[string]any)["outcome"])
	}
	b.untouched(t)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, files, "a part of the answers is not kept")

	r = run(t, "probe", "--target", withPassword(b.target.URL), "--skip-probe", "nonsense")
	require.Equal(t, Usage, r.code)
	require.Contains(t, r.err, `no probe "nonsense"`)
	r = run(t, "probe")
	require.Equal(t, Usage, r.code)
}

func TestProbeUnreachable(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.Server(t))
	proxy.Refuse(true)
	r := run(t, "probe", "--target", withPassword(proxy.URL("postgres")), "--probe-cache", t.TempDir())
	require.Equal(t, Failed, r.code)
	require.Contains(t, r.err, "connecting to the target")
}

// A target that takes no statement is probed all the same: nothing is known.
func TestProbeEverythingLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	proxy := pgtest.NewProxy(t, pgtest.Server(t))
	proxy.Add(pgtest.Rule{Action: pgtest.Cut, Dir: pgtest.ToServer, Match: pgtest.Contains("_pg2db9_probe"), Times: 1000})
	r := run(t, "probe", "--target", withPassword(proxy.URL(b.target.Name)), "--probe-cache", t.TempDir(), "--skip-probe", "32")
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, "left on the target: schema _pg2db9_probe (")
	b.untouched(t)
}

// A DB9 is asked at the start of a run, once; the plan follows the answers.
func TestCloneProbes(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id int PRIMARY KEY, at timestamp, v text); INSERT INTO t SELECT i, '2020-01-01 00:00:00.123456', 'x' FROM generate_series(1, 100) i`)
	rules := db9sim.None()
	require.NoError(t, rules.Deny("version", "identity-always"))
	target := b.standIn(t, rules)
	dir := t.TempDir()
	args := func(more ...string) []string {
		return append([]string{"--source", withPassword(b.source.URL), "--target", target, "--probe-cache", dir, "--json"}, more...)
	}

	r := run(t, append([]string{"clone", "--dry-run"}, args()...)...)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, profileOf(t, r)["probing"], "a dry run writes nothing")
	require.False(t, phaseOf(t, r, "probe"))

	r = run(t, append([]string{"clone"}, args()...)...)
	require.Equal(t, OK, r.code, r.err)
	require.True(t, phaseOf(t, r, "probe"))
	p := profileOf(t, r)
	require.Equal(t, true, p["simulated"])
	require.NotContains(t, p["probing"], "cache")
	require.Contains(t, p["changes"], "timestamp_digits: 3 -> 6")
	require.NotContains(t, strings.Join(toStrings(p["changes"]), "\n"), "identity_always")
	require.Equal(t, "2020-01-01 00:00:00.123456", b.target.QueryString(t, "SELECT DISTINCT at FROM t"))
	noScratch(t, b.target)

	for _, command := range []string{"verify", "schema"} {
		r = run(t, append([]string{command}, args()...)...)
		require.Equal(t, OK, r.code, "%s: %s", command, r.err)
		require.False(t, phaseOf(t, r, "probe"))
		require.Contains(t, profileOf(t, r)["probing"], "from cache")
		require.Equal(t, p["settings"], profileOf(t, r)["settings"])
	}
	r = run(t, append([]string{"verify", "--probe", "always"}, args()...)...)
	require.Equal(t, OK, r.code, r.err)
	require.True(t, phaseOf(t, r, "probe"))
	r = run(t, append([]string{"schema", "--probe", "never"}, args()...)...)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, profileOf(t, r)["probing"], "--probe never")
	require.NotContains(t, profileOf(t, r), "probe")
}

func toStrings(v any) []string {
	var out []string
	for _, x := range v.([]any) {
		out = append(out, x.(string))
	}
	return out
}

// What says of itself that it is no DB9, and a profile of the user's own, are
// not corrected unless that is asked for.
func TestNotProbed(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id int PRIMARY KEY)`)
	file := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(file, []byte("batch_rows: 7\n"), 0o600))
	for _, c := range []struct {
		profile, probing string
	}{
		{"db9", "the target does not say that it is a DB9"},
		{file, "the profile is a file's"},
	} {
		r := b.ok(t, "schema", "--profile", c.profile, "--json", "--probe-cache", t.TempDir())
		require.Contains(t, profileOf(t, r)["probing"], c.probing)
		require.False(t, phaseOf(t, r, "probe"))
	}
	r := b.ok(t, "schema", "--profile", file, "--probe", "always", "--json", "--probe-cache", t.TempDir())
	require.EqualValues(t, 7, profileOf(t, r)["settings"].(map[string]any)["batch_rows"])
	require.EqualValues(t, 8, profileOf(t, r)["settings"].(map[string]any)["window"])
	r = b.ok(t, "schema", "--json")
	require.NotContains(t, profileOf(t, r), "probing", "a plain PostgreSQL assumes nothing")
}

// All that can be proved at once, on a database with what the documented
// profile would change.
func TestCloneWide(t *testing.T) {
	t.Parallel()
	b := setup(t, shop, `
		CREATE TABLE parent (a int, b int, PRIMARY KEY (a, b));
		CREATE TABLE wide (
			id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now(), len interval, n numeric(60, 30), free numeric, tags text[], span tsrange, room int, a int, b int,
			UNIQUE (room) DEFERRABLE INITIALLY DEFERRED, FOREIGN KEY (a, b) REFERENCES parent MATCH FULL,
			EXCLUDE USING btree (n WITH =), EXCLUDE USING gist (span WITH &&));
		ALTER TABLE wide ADD CONSTRAINT positive CHECK (room > 0) NOT VALID;
		CREATE INDEX wide_tags ON wide USING gin (tags);
		CREATE INDEX wide_room ON wide USING hash (room);
		CREATE INDEX wide_at ON wide USING brin (at);
		INSERT INTO wide (at, len, n, free, tags, span, room)
			SELECT now() + i * '1.000001 s'::interval, i * '1 day 0.000001 s'::interval, i / 7.0, 'NaN', ARRAY[i::text], tsrange(now()::timestamp + i * '1 hour'::interval, now()::timestamp + (i + 1) * '1 hour'::interval), i
			FROM generate_series(1, 300) i`)
	r := b.run(t, "clone", "--profile", "db9", "--probe", "always", "--probe-cache", t.TempDir())
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "done and verified")
	b.sameShop(t)
	sql := "SELECT md5(string_agg(concat_ws('|', id, at, len, n, free, tags::text, span::text, room), ',' ORDER BY id)) FROM wide"
	require.Equal(t, b.source.QueryString(t, sql), b.target.QueryString(t, sql))
	require.Equal(t, "t", b.target.QueryString(t, "SELECT condeferrable FROM pg_constraint WHERE conname = 'wide_room_key'"))
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'x'"), "over a range, which became text, it is left")
	require.Equal(t, "a", b.target.QueryString(t, "SELECT attidentity FROM pg_attribute WHERE attrelid = 'wide'::regclass AND attname = 'id'"))
	noScratch(t, b.target)
}
