package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed" // queries
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
)

//go:embed queries/defined.sql
var definedSQL string

// Definitions are the target's own words for what hangs on the tables and views
// that were compared: not what the plan promises of them, but what is there.
type Definitions struct {
	Major     int               // of the server, which writes definitions in its own way
	Told      []string          // the kinds of object that it tells of
	Relations []DefinedRelation // by name
}

// DefinedRelation is one table or view.
type DefinedRelation struct {
	Name    catalog.Name
	View    bool
	Objects []DefinedObject // by kind and name
}

// DefinedObject is one thing of a table or view.
type DefinedObject struct {
	Kind, Name string // Name is empty for what there is one of
	State      string // "invalid", "disabled", ...; empty is as it should be
	Text       string // as the server writes it; of one out of a certificate it may be shortened
	Digest     string // SHA-256 of the text, hexadecimal; empty where the server tells no text
}

// Kinds of object, beside those of Difference.
const (
	whatDefault    = "default"
	whatGenerated  = "generated"
	whatPartitions = "partitions" // how a table's rows are divided among others
	whatParent     = "parent"     // a table that this one is a part of, or inherits from
	whatView       = "view"
	whatFilledView = "materialized view"
)

// definedKinds are the kinds that a server with PostgreSQL's catalog tells of.
var definedKinds = []string{
	whatConstraint, whatDefault, whatGenerated, whatIndex, whatFilledView, whatParent, whatPartitions, "policy", whatRowSecurity, "rule", "trigger", whatView,
}

// DigestOf is the digest of a definition; empty of none.
func DigestOf(text string) string {
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

type definedRow struct {
	Schema     string `db:"schema_name"`
	Relation   string `db:"relation_name"`
	Kind       string `db:"kind"`
	Name       string `db:"name"`
	Definition string `db:"definition"`
	State      string `db:"state"`
}

// readDefined reads what hangs on all relations of the schemas, and which kinds
// the server tells of.
func (v *run) readDefined(ctx context.Context, conn *pgx.Conn, schemas []string) (told []string, objects map[catalog.Name][]DefinedObject, err error) {
	if !v.p.Profile.FullCatalog {
		return readToldDefined(ctx, conn, schemas)
	}
	rows, err := conn.Query(ctx, definedSQL, pgx.QueryExecModeSimpleProtocol, schemas)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the target's definitions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[definedRow])
	if err != nil {
		return nil, nil, fmt.Errorf("reading the target's definitions: %w", err)
	}
	objects = map[catalog.Name][]DefinedObject{}
	for _, r := range list {
		home := catalog.Name{Schema: r.Schema, Name: r.Relation}
		objects[home] = append(objects[home], DefinedObject{Kind: r.Kind, Name: r.Name, State: r.State, Text: r.Definition})
	}
	return definedKinds, objects, nil
}

// lookAtDefined keeps what the target has, where that was asked for, and holds it
// against what a certificate says that it had.
func (v *run) lookAtDefined(ctx context.Context, conn *pgx.Conn, schemas []string) error {
	if !v.p.Definitions && v.p.Defined == nil {
		return nil
	}
	told, objects, err := v.readDefined(ctx, conn, schemas)
	if err != nil {
		return err
	}
	now := &Definitions{Major: v.targetMajor, Told: told}
	add := func(name catalog.Name, view bool) {
		r := DefinedRelation{Name: name, View: view, Objects: objects[name]}
		for i := range r.Objects {
			r.Objects[i].Digest = DigestOf(r.Objects[i].Text)
		}
		slices.SortFunc(r.Objects, func(a, b DefinedObject) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
		now.Relations = append(now.Relations, r)
	}
	for _, w := range v.wanted {
		if v.found[w.expected.Name] != nil {
			add(w.expected.Name, false)
		}
	}
	for i := range v.report.Views {
		add(v.report.Views[i].Target, true)
	}
	slices.SortFunc(now.Relations, func(a, b DefinedRelation) int { return a.Name.Compare(b.Name) })
	v.report.Definitions = now
	if v.p.Defined != nil {
		v.holdDefined(now)
	}
	return nil
}

// expectDefined lays out verdicts on the views that a certificate has: Unknown
// until they are known. No plan stands behind them.
func (v *run) expectDefined() {
	if v.p.Defined == nil {
		return
	}
	for _, r := range v.p.Defined.Relations {
		if r.View {
			v.report.Views = append(v.report.Views, View{Target: r.Name, Source: r.Name, SourceRows: Uncounted, TargetRows: Uncounted, Detail: "not looked at"})
		}
	}
	v.report.ExpectedViews = len(v.report.Views)
}

// holdDefined compares what is there with what a certificate says was. Tables that
// are gone are told of elsewhere.
func (v *run) holdDefined(now *Definitions) {
	was := map[catalog.Name]*DefinedRelation{}
	for i := range v.p.Defined.Relations {
		was[v.p.Defined.Relations[i].Name] = &v.p.Defined.Relations[i]
	}
	is := map[catalog.Name]*DefinedRelation{}
	for i := range now.Relations {
		is[now.Relations[i].Name] = &now.Relations[i]
	}
	for i, w := range v.wanted {
		s := &v.report.Tables[i].Shape
		before, there := was[w.expected.Name], is[w.expected.Name]
		if before == nil || there == nil {
			continue
		}
		differences, unread := compareDefined(v.p.Defined, now, before, there)
		s.Differences = append(s.Differences, differences...)
		if len(differences) > 0 && s.Verdict == Match {
			s.Verdict = Mismatch
		}
		if len(unread) > 0 {
			s.Verdict, s.Err = Errored, strings.Join(append(differenceWords(differences), unread...), "; ")
		}
	}
	for i := range v.report.Views {
		out := &v.report.Views[i]
		before, there := was[out.Target], is[out.Target]
		if before == nil || there == nil {
			continue
		}
		differences, unread := compareDefined(v.p.Defined, now, before, there)
		out.Differences, out.Verdict, out.Detail = differences, Match, "its definition is as the certificate says"
		switch words := differenceWords(differences); {
		case len(unread) > 0:
			out.Verdict, out.Detail = Errored, strings.Join(append(words, unread...), "; ")
		case len(words) > 0:
			out.Verdict, out.Detail = Mismatch, strings.Join(words, "; ")
		}
	}
}

func differenceWords(list []Difference) []string {
	var out []string
	for _, d := range list {
		out = append(out, d.String())
	}
	return out
}

// compareDefined holds one relation's objects against those that it had; of kinds
// that nobody told of then nothing is said. What cannot be compared is in unread:
// another major of the server writes the same thing in other words.
func compareDefined(before, now *Definitions, was, is *DefinedRelation) (differences []Difference, unread []string) {
	type key struct{ kind, name string }
	old, there := map[key]*DefinedObject{}, map[key]*DefinedObject{}
	var keys []key
	for i := range was.Objects {
		k := key{was.Objects[i].Kind, was.Objects[i].Name}
		old[k] = &was.Objects[i]
		keys = append(keys, k)
	}
	for i := range is.Objects {
		k := key{is.Objects[i].Kind, is.Objects[i].Name}
		if there[k] = &is.Objects[i]; old[k] == nil && slices.Contains(before.Told, k.kind) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b key) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name)) })
	for _, kind := range before.Told {
		if !slices.Contains(now.Told, kind) {
			unread = append(unread, "the target does not tell of a "+kind+" any more")
		}
	}
	for _, k := range keys {
		if !slices.Contains(now.Told, k.kind) {
			continue
		}
		o, n := old[k], there[k]
		switch {
		case o == nil || n == nil || o.State != n.State:
		case o.Digest == n.Digest || o.Digest == "" || n.Digest == "":
			continue
		case before.Major != now.Major:
			unread = append(unread, fmt.Sprintf("%s could not be compared: PostgreSQL %d writes it otherwise than PostgreSQL %d did", named(k.kind, k.name), now.Major, before.Major))
			continue
		}
		d := Difference{Column: k.name, What: k.kind, Expected: o.words(), Found: n.words()}
		if d.Expected == d.Found { // where it was shortened
			d.Expected, d.Found = d.Expected+" (SHA-256 "+o.Digest+")", d.Found+" (SHA-256 "+n.Digest+")"
		}
		differences = append(differences, d)
	}
	return differences, unread
}

func named(kind, name string) string {
	if name == "" {
		return "its " + kind
	}
	return kind + " " + name
}

// definedShown is how many bytes of a definition are shown.
const definedShown = 300

// words are the object on one line; of nil that there is none.
func (o *DefinedObject) words() string {
	if o == nil {
		return "none"
	}
	text := strings.ToValidUTF8(oneLine(o.Text), "�")
	if len(text) > definedShown {
		text = strings.ToValidUTF8(text[:definedShown], "") + "…"
	}
	switch {
	case text == "" && o.State == "":
		return "one"
	case text == "":
		return o.State
	case o.State != "":
		return o.State + ": " + text
	}
	return text
}
