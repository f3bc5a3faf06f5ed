package ddlgen

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// shapes is a model with a column of an extension's type, one of a collation,
// and one that DB9 refuses.
func shapes() *catalog.Database {
	name := catalog.Name{Schema: "public", Name: "shapes"}
	geometry := catalog.Type{Name: catalog.Name{Schema: "public", Name: "geometry"}, Kind: catalog.KindBase, Mod: -1, Text: "public.geometry", Extension: "postgis"}
	return &catalog.Database{
		ServerVersion: 150000,
		Schemas:       []catalog.Schema{{Name: "public"}},
		Extensions:    []catalog.Extension{{Name: "postgis", Schema: "public"}},
		Tables: []catalog.Table{{Name: name, Kind: catalog.TableOrdinary, Columns: []catalog.Column{
			{Name: "id", Num: 1, Type: builtInType("int4", "integer", -1), Local: true, StatsTgt: -1},
			{Name: "shape", Num: 2, Type: geometry, Local: true, StatsTgt: -1},
			{Name: "name", Num: 3, Type: builtInType("text", "text", -1), Local: true, StatsTgt: -1, Collation: &catalog.Name{Schema: "pg_catalog", Name: "de-x-icu"}},
		}}},
	}
}

func severityOf(plan *Plan, code finding.Code) finding.Severity {
	for _, f := range plan.Findings {
		if f.Code == code {
			return f.Severity
		}
	}
	return finding.Unset
}

func TestTargetExtensions(t *testing.T) {
	t.Parallel()
	unknown, err := Generate(shapes(), Postgres(), Options{})
	require.NoError(t, err)
	require.Empty(t, slices.DeleteFunc(unknown.Findings, func(f finding.Finding) bool { return f.Severity == finding.Info }))

	without, err := Generate(shapes(), Postgres(), Options{TargetExtensions: []string{"hstore"}})
	require.NoError(t, err)
	require.Equal(t, finding.Left, severityOf(without, extensionLeft))
	require.Equal(t, finding.Block, severityOf(without, typeUnavailable))
}

func TestAccept(t *testing.T) {
	t.Parallel()
	blocked, err := Generate(shapes(), DB9(), Options{})
	require.NoError(t, err)
	require.Equal(t, finding.Block, severityOf(blocked, typeRefused))
	for _, accept := range []string{"type.refused", "type.refused:public.shapes.shape"} {
		accepted, err := Generate(shapes(), DB9(), Options{Accept: []string{accept}})
		require.NoError(t, err)
		require.Equal(t, finding.Change, severityOf(accepted, typeRefused))
		require.Equal(t, "text", accepted.Transfers[0].Columns[1].TargetType)
	}
	other, err := Generate(shapes(), DB9(), Options{Accept: []string{"type.refused:public.shapes.id", "type.unavailable"}})
	require.NoError(t, err)
	require.Equal(t, finding.Block, severityOf(other, typeRefused))
}

func TestTargetCollations(t *testing.T) {
	t.Parallel()
	with, err := Generate(shapes(), Postgres(), Options{TargetCollations: []string{"de-x-icu"}})
	require.NoError(t, err)
	require.Equal(t, finding.Unset, severityOf(with, collationLost))
	without, err := Generate(shapes(), Postgres(), Options{TargetCollations: []string{"C"}})
	require.NoError(t, err)
	require.Equal(t, finding.Change, severityOf(without, collationLost))
}

func TestOnlyData(t *testing.T) {
	t.Parallel()
	plan, err := Generate(shapes(), DB9(), Options{OnlyData: true})
	require.NoError(t, err)
	require.Empty(t, plan.Statements)
	require.Len(t, plan.Transfers, 1)
	require.Equal(t, finding.Block, severityOf(plan, typeRefused))
	require.Equal(t, finding.Unset, severityOf(plan, extensionLeft))
}

// The same model gives the same bytes, and JSON keeps the whole plan.
func TestGenerateIsDeterministic(t *testing.T) {
	t.Parallel()
	for _, profile := range []Profile{Postgres(), DB9()} {
		first, err := Generate(shop(), profile, Options{})
		require.NoError(t, err)
		text, err := json.Marshal(first)
		require.NoError(t, err)
		for range 20 {
			again, err := Generate(shop(), profile, Options{})
			require.NoError(t, err)
			require.Equal(t, first, again)
		}
		var read Plan
		require.NoError(t, json.Unmarshal(text, &read))
		back, err := json.Marshal(&read)
		require.NoError(t, err)
		require.Equal(t, string(text), string(back))
	}
}

func TestGenerateRefusesNonsense(t *testing.T) {
	t.Parallel()
	_, err := Generate(nil, Postgres(), Options{})
	require.Error(t, err)
	_, err = Generate(shop(), Profile{}, Options{})
	require.Error(t, err)
}
