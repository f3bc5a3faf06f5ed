package guide

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/provider"
)

func run() Run {
	return Run{
		State: Verified, Taken: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), DB9: true, Provider: provider.RDS,
		Findings: []finding.Finding{
			{Code: "type.precision", Severity: finding.Change, Object: finding.Object{Kind: "column", Schema: "public", Parent: "orders", Name: "at"}},
			{Code: "type.precision", Severity: finding.Change, Object: finding.Object{Kind: "column", Schema: "public", Parent: "orders", Name: "at"}},
		},
		Source: Server{URL: "postgres://app:***@db.example:5432/shop?sslmode=verify-full", Role: "reader", Bastion: "ec2-user@bastion", Commands: true},
		Target: Server{URL: "postgres://t1.admin:***@pg.db9.io:5433/postgres?sslmode=require", Role: "t1.admin"},
	}
}

// The whole of an ending, as it stands in JSON.
func TestGolden(t *testing.T) {
	t.Parallel()
	got, err := json.MarshalIndent(End(run()), "", "  ")
	require.NoError(t, err)
	path := filepath.Join("testdata", "verified.json")
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, append(got, '\n'), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got)+"\n")
}

func ids(all []Advice) []string {
	out := []string{}
	for _, a := range all {
		out = append(out, a.ID)
	}
	return out
}

// Only what is verified, on no stand-in, says that the application may switch;
// else what must be done first stands there.
func TestOnlyVerifiedSaysSwitch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*Run)
		ready  bool
		first  string
	}{
		{"verified", func(*Run) {}, true, "writes"},
		{"verified but for some", func(r *Run) { r.Unproven = 2 }, true, "writes"},
		{"a stand-in", func(r *Run) { r.StandIn = true }, false, "real"},
		{"not verified", func(r *Run) { r.State, r.Verify = Unverified, "pg2db9 verify" }, false, "verify"},
		{"different", func(r *Run) { r.State = Different }, false, "differences"},
		{"partial", func(r *Run) { r.State, r.Next = Undone, []string{"pg2db9 copy"} }, false, "continue"},
		{"failed", func(r *Run) { r.State = Undone }, false, "continue"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := run()
			c.change(&r)
			e := End(r)
			require.Equal(t, c.ready, e.Ready)
			require.Equal(t, c.first, e.Before[0].ID)
			if c.ready {
				require.Contains(t, e.Headline, "may switch")
			} else {
				require.Contains(t, e.Headline, "o not switch")
				require.NotContains(t, e.Headline, "may switch")
			}
		})
	}
}

// What is to be closed goes by what was used.
func TestClosing(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"role", "access", "ssh-source", "secrets-source", "ledger"}, ids(End(run()).Close))
	r := run()
	r.Provider, r.Source.Bastion, r.Source.Commands, r.Standby, r.Superuser, r.Target.Plaintext = "", "", false, true, true, true
	e := End(r)
	require.Equal(t, []string{"role", "access", "plaintext-target", "standby", "ledger"}, ids(e.Close))
	require.NotContains(t, ids(e.Application), "provider")
}

// A plain PostgreSQL asks nothing of the application but its address.
func TestPostgresTarget(t *testing.T) {
	t.Parallel()
	r := run()
	r.DB9, r.Provider = false, ""
	e := End(r)
	require.Equal(t, []string{"connection"}, ids(e.Application))
	require.NotContains(t, ids(e.Before), "branch")
	require.NotContains(t, ids(e.WayBack), "branch")
}

// An advice that findings make necessary names their objects, once.
func TestBecause(t *testing.T) {
	t.Parallel()
	for _, a := range End(run()).Application {
		if a.ID == "milliseconds" {
			require.Equal(t, 1, a.Count)
			require.Equal(t, []string{"column public.orders.at"}, a.Because)
			return
		}
	}
	t.Fatal("milliseconds are not told of")
}
