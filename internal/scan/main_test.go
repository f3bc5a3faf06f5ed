package scan

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// params are those of a full scan of a database for DB9.
func params(t *testing.T, db *pgtest.DB) Params {
	t.Helper()
	return paramsOf(t, db.URL)
}

func paramsOf(t *testing.T, url string) Params {
	t.Helper()
	source, err := dial.Parse(dial.Source, url)
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	_, err = conn.Exec(t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	require.NoError(t, err)
	model, err := catalog.Load(t.Context(), conn, catalog.LoadOptions{})
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "COMMIT")
	require.NoError(t, err)
	p := Params{Source: source, DB: model, Profile: ddlgen.DB9(), Mode: Full, Jobs: 2}
	return p.planned(t, ddlgen.Options{})
}

// planned makes the plan anew, for another profile or other options.
func (p Params) planned(t *testing.T, opts ddlgen.Options) Params {
	t.Helper()
	plan, err := ddlgen.Generate(p.DB, p.Profile, opts)
	require.NoError(t, err)
	p.Plan = plan
	return p
}

// run scans, and gives what was found as "object kind" with the item.
func (p Params) run(t *testing.T) (*Result, map[string]Item) {
	t.Helper()
	r, err := Run(t.Context(), p)
	require.NoError(t, err)
	out := map[string]Item{}
	for _, i := range r.Items {
		key := i.Object.Path() + " " + i.Kind
		require.NotContains(t, out, key)
		out[key] = i
		require.NotEmpty(t, ruleOf(i.Code()))
	}
	return r, out
}

// asRole is a URL with another user, whose password is x.
func asRole(url, role string) string {
	_, rest, _ := strings.Cut(url, "://")
	if _, after, ok := strings.Cut(rest, "@"); ok {
		rest = after
	}
	return "postgres://" + role + ":x@" + rest
}

func dialAdmin(ctx context.Context, db *pgtest.DB) (*pgx.Conn, error) {
	return pgx.Connect(ctx, db.URL)
}
