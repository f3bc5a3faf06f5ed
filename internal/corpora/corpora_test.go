package corpora_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/pgtest/pgserver"
)

// The exit codes that a clone of a corpus may end with.
const (
	done    = 0
	blocked = 4
)

// TestCorpora clones databases of real projects under both profiles.
func TestCorpora(t *testing.T) {
	t.Parallel()
	dir := root(t)
	var res results
	res.log(t)
	for _, name := range names(t, dir) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := pgtest.Server(t).Database(t)
			load(t, dir, name, source.URL)
			t.Run("postgres", func(t *testing.T) { toPostgres(t, &res, dir, name, source) })
			t.Run("db9", func(t *testing.T) { toDB9(t, &res, dir, name, source) })
		})
	}
}

// TestCorporaFromEveryMajor clones one database from every major that can be a
// source.
func TestCorporaFromEveryMajor(t *testing.T) {
	t.Parallel()
	dir := root(t)
	if !all() {
		t.Skip("every major is for `make test-corpora`")
	}
	var res results
	res.log(t)
	for major := pgserver.MinMajor; major <= pgserver.MaxMajor; major++ {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			source := pgtest.Major(t, major).Database(t)
			load(t, dir, "pagila", source.URL)
			t.Run("postgres", func(t *testing.T) { toPostgres(t, &res, dir, "pagila", source, "--xmajor") })
		})
	}
}

// toPostgres clones to PostgreSQL: what arrives is the same, or named.
func toPostgres(t *testing.T, res *results, dir, name string, source *pgtest.DB, options ...string) {
	t.Helper()
	target := pgtest.Server(t).Database(t)
	c, code := run(t, source, target, "postgres")
	r := result{corpus: name, profile: "postgres", major: source.Cluster().Major(), code: code, tables: len(c.copied()), left: c.rep.Counts.Left}
	defer func() { res.add(r) }()
	if c.code == blocked {
		return
	}
	r.rows = requireContents(t, c, source, target)
	requireSameContents(t, dir, c, source, target)
	bad := unaccounted(t, dir, c, source, target, options...)
	r.unaccounted = len(bad)
	require.Empty(t, bad, "differences of schema that the report does not name:\n%s", lines(bad))
}

// toDB9 clones under DB9's limits to PostgreSQL: partition trees arrive flat,
// types as the profile maps them.
func toDB9(t *testing.T, res *results, dir, name string, source *pgtest.DB) {
	t.Helper()
	target := pgtest.Server(t).Database(t)
	c, code := run(t, source, target, "db9")
	r := result{corpus: name, profile: "db9", major: source.Cluster().Major(), code: code, tables: len(c.copied()), left: c.rep.Counts.Left}
	defer func() { res.add(r) }()
	if c.code == blocked {
		return
	}
	r.rows = requireContents(t, c, source, target)
	bad := unaccounted(t, dir, c, source, target, "--map", "db9", "--loose", "--flatten")
	r.unaccounted = len(bad)
	require.Empty(t, bad, "differences of schema that the report does not name:\n%s", lines(bad))
}

// run clones as it is first. Where findings block, nothing may be written; then
// all that blocks is accepted, so that the rest of the database is looked at
// too.
func run(t *testing.T, source, target *pgtest.DB, profile string) (c cloned, codes string) {
	t.Helper()
	c = clone(t, source, target, profile)
	codes = strconv.Itoa(c.code)
	if c.code == blocked {
		requireUntouched(t, target)
		require.NotEmpty(t, c.blocking(), "exit 4 without a finding that blocks")
		t.Logf("blocked:\n%s", c.blocking())
		c = clone(t, source, target, profile, c.accepts()...)
		codes += ", accepted " + strconv.Itoa(c.code)
	}
	require.Contains(t, []int{done, blocked}, c.code, "exit %d: %s\n%s", c.code, c.stderr, c.failed())
	return c, codes
}
