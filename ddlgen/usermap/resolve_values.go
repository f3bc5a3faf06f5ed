package usermap

import (
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// types gives the columns of a type another one.
func (r *resolver) types(s *Spec) error {
	for _, w := range s.Types {
		from, err := r.typeOf(w.Where, w.From)
		if err != nil {
			return err
		}
		hit := false
		for i := range r.whole.Tables {
			t := r.at[r.whole.Tables[i].Name]
			for j := range t.Columns {
				c := &t.Columns[j]
				if c.Type.Name != from.Name || c.Type.Array != from.Array || from.Mod >= 0 && c.Type.Mod != from.Mod {
					continue
				}
				hit = true
				if _, inherited := r.above(t.Name, c.Name); !r.in[t.Name] || inherited {
					continue
				}
				x := r.work(t.Name)
				k := x.columns[c.Name]
				switch {
				case k == nil:
					k = &wish{column: c, place: w.Where, general: true}
					x.columns[c.Name] = k
				case k.exclude || k.typ != nil || k.sel != "" || k.two != nil:
					continue // what is asked of the column itself counts more
				}
				if err := r.convertAt(w.Where, k, t, w.As); err != nil {
					return err
				}
			}
		}
		if !hit {
			return fail(w.Where, "no column has type %s", w.From)
		}
	}
	return nil
}

func (r *resolver) convert(k *wish, t *catalog.Table, as Conversion) error {
	if as.empty() {
		return nil
	}
	return r.convertAt(k.place, k, t, as)
}

// convertAt decides how a column's values become those of another type.
func (r *resolver) convertAt(place string, k *wish, t *catalog.Table, as Conversion) error {
	c := k.column
	q := quote.Ident(c.Name)
	if as.Option != "" {
		return r.named(place, k, t, as)
	}
	if as.Select != "" {
		if why := unbalanced(as.Select); why != "" {
			return fail(place, "select: %s", why)
		}
		k.sel = as.Select
	}
	if as.Type == "" {
		return r.fits(place, k, t)
	}
	to, err := r.typeOf(place, as.Type)
	if err != nil {
		return err
	}
	k.typ = to
	if k.sel != "" {
		return r.fits(place, k, t)
	}
	if o, ok := implied(c.Type, to.Type); ok {
		k.sel, k.loss = strings.ReplaceAll(o.sel, "{}", q), o.loss
		return r.fits(place, k, t)
	}
	if takesOutput(to.Type) && !takesOutput(c.Type) {
		k.loss = options[0].loss
	}
	if !takesOutput(to.Type) && to.Text != c.Type.Text {
		k.sel = q + "::" + sourceText(to)
	}
	return r.fits(place, k, t)
}

// takesOutput says whether a type takes the output text of any other as its
// value. A cast would cut what is too long for the type, or, as inet's, print
// in another way.
func takesOutput(t catalog.Type) bool {
	if t.Array || t.Name.Schema != "pg_catalog" {
		return false
	}
	switch t.Name.Name {
	case "text", "varchar":
		return true
	}
	return false
}

// sourceText is a type as SQL on the source.
func sourceText(t *Type) string {
	if t.Name.Schema == "pg_catalog" {
		return "pg_catalog." + castText(t.Type)
	}
	out := quote.Name(t.Name.Schema, t.Name.Name)
	if t.Array {
		out += "[]"
	}
	return out
}

// castText is a type of PostgreSQL's own under pg_type's name, which takes a
// modifier behind it where it has one.
func castText(t catalog.Type) string {
	out := quote.Ident(t.Name.Name)
	if open := strings.IndexByte(t.Text, '('); open >= 0 {
		out += t.Text[open : strings.IndexByte(t.Text, ')')+1]
	}
	if t.Array {
		out += "[]"
	}
	return out
}

func (r *resolver) named(place string, k *wish, t *catalog.Table, as Conversion) error {
	c := k.column
	o, ok := optionFor(as.Option, c.Type)
	switch {
	case as.Select != "":
		return fail(place, "an option says how values are selected: take select away")
	case !ok:
		return fail(place, "column %s of %s is %s, for which there is no option %q; the options are %s", c.Name, t.Name, c.Type.Text, as.Option, strings.Join(Options(), ", "))
	}
	if o.two {
		return r.twoColumns(place, k, t)
	}
	if as.Type != "" {
		return fail(place, "an option names the type: take type away")
	}
	to, err := r.typeOf(place, o.to)
	if err != nil {
		return err
	}
	k.typ, k.sel, k.loss = to, strings.ReplaceAll(o.sel, "{}", quote.Ident(c.Name)), o.loss
	return r.fits(place, k, t)
}

// subtypes are those of PostgreSQL's own ranges.
var subtypes = map[string]string{
	"int4range": "int4", "int8range": "int8", "numrange": "numeric", "tsrange": "timestamp", "tstzrange": "timestamptz", "daterange": "date",
}

// twoColumns lets a range be its two bounds.
func (r *resolver) twoColumns(place string, k *wish, t *catalog.Table) error {
	c := k.column
	sub := &Type{}
	if name, ok := subtypes[c.Type.Name.Name]; ok && c.Type.Name.Schema == "pg_catalog" {
		typ, err := parseType(name)
		if err != nil {
			return fail(place, "%v", err)
		}
		sub.Type = typ
	} else {
		found := false
		for i := range r.whole.Ranges {
			if x := &r.whole.Ranges[i]; x.Name == c.Type.Name {
				sub.Type, found = x.Subtype, true
			}
		}
		if !found {
			return fail(place, "column %s of %s is %s, of which the bounds' type is not known", c.Name, t.Name, c.Type.Text)
		}
	}
	base := k.to
	if base == "" {
		base = c.Name
	}
	var two [2]Column
	for i, end := range []string{"lower", "upper"} {
		two[i] = Column{
			Source: c.Name, Target: base + "_" + end, Place: place, Type: sub, Half: true,
			Select: "pg_catalog." + end + "(" + quote.Ident(c.Name) + ")", Loss: options[len(options)-1].loss,
		}
		if err := checkName(place, two[i].Target); err != nil {
			return err
		}
	}
	k.two = &two
	return nil
}

// fits finds conversions that the column's other properties do not allow.
func (r *resolver) fits(place string, k *wish, t *catalog.Table) error {
	c := k.column
	switch {
	case c.Identity != 0 && (k.sel != "" || k.typ != nil) && (k.typ == nil || !isInteger(k.typ.Type)):
		return fail(place, "column %s of %s is an identity column: its type must be smallint, integer or bigint", c.Name, t.Name)
	}
	return nil
}

func isInteger(t catalog.Type) bool {
	return !t.Array && t.Name.Schema == "pg_catalog" && (t.Name.Name == "int2" || t.Name.Name == "int4" || t.Name.Name == "int8")
}

// typeOf reads a type; a name that is not PostgreSQL's own must be the source's.
func (r *resolver) typeOf(place, text string) (*Type, error) {
	t, err := parseType(text)
	if err != nil {
		return nil, fail(place, "%v", err)
	}
	out := &Type{Type: t, Named: t.Name.Schema != ""}
	if t.Name.Schema == "pg_catalog" {
		out.Kind = kindOf(t.Name.Name)
		return out, nil
	}
	found := r.userTypes(t.Name)
	switch {
	case len(found) == 0:
		return nil, fail(place, "there is no type %s: neither PostgreSQL nor the source has it", text)
	case len(found) > 1:
		return nil, fail(place, "there is a type %s in several schemas: name the schema as well", text)
	}
	mod := t.Mod
	out.Type = found[0]
	out.Array, out.Mod = t.Array, mod
	out.Text = plain(found[0].Name)
	if open := strings.IndexByte(text, '('); open >= 0 && mod >= 0 {
		out.Text += text[open : strings.IndexByte(text, ')')+1]
	}
	if t.Array {
		out.Text += "[]"
	}
	return out, nil
}

func kindOf(name string) catalog.TypeKind {
	switch {
	case strings.HasSuffix(name, "multirange"):
		return catalog.KindMultirange
	case strings.HasSuffix(name, "range"):
		return catalog.KindRange
	}
	return catalog.KindBase
}

// plain writes a name as format_type does: quoted only where it must be.
func plain(n catalog.Name) string { return catalog.Pattern(n) }

// userTypes are the source's types of a name, with or without its schema.
func (r *resolver) userTypes(n catalog.Name) []catalog.Type {
	var out []catalog.Type
	add := func(t catalog.Type) {
		if t.Name.Name != n.Name || n.Schema != "" && t.Name.Schema != n.Schema {
			return
		}
		for _, o := range out {
			if o.Name == t.Name {
				return
			}
		}
		t.Array, t.Mod = false, -1
		out = append(out, t)
	}
	for _, e := range r.whole.Enums {
		add(catalog.Type{Name: e.Name, Kind: catalog.KindEnum})
	}
	for _, d := range r.whole.Domains {
		add(catalog.Type{Name: d.Name, Kind: catalog.KindDomain})
	}
	for _, c := range r.whole.Composites {
		add(catalog.Type{Name: c.Name, Kind: catalog.KindComposite})
	}
	for _, x := range r.whole.Ranges {
		add(catalog.Type{Name: x.Name, Kind: catalog.KindRange})
	}
	for i := range r.whole.Tables {
		for _, c := range r.whole.Tables[i].Columns { // types of extensions
			add(c.Type)
		}
	}
	return out
}

func (r *resolver) noData(s *Spec) error {
	for _, w := range s.NoData {
		found, err := catalog.MatchTables(w.Pattern, w.Where, r.refs)
		if err != nil {
			return r.pattern(w.Where, err)
		}
		for _, n := range found {
			if x := r.at[n]; r.in[n] && x.Kind != catalog.TableForeign && r.work(n).noData == "" {
				r.work(n).noData = w.Where
			}
		}
	}
	return nil
}

func (r *resolver) rows(s *Spec) error {
	for _, w := range s.Rows {
		if why := unbalanced(w.Condition); why != "" {
			return fail(w.Where, "%s: %s", w.Condition, why)
		}
		found, err := catalog.MatchTables(w.Table, w.Where, r.refs)
		if err != nil {
			return r.pattern(w.Where, err)
		}
		chosen := map[catalog.Name]bool{}
		for _, n := range found {
			chosen[n] = true
		}
		for _, n := range found {
			t := r.at[n]
			if !r.in[n] || t.Kind == catalog.TableForeign || t.IsPartition && len(t.Inherits) > 0 && chosen[t.Inherits[0]] {
				continue // what is asked of the root is asked of its partitions
			}
			x := r.work(n)
			if x.ownRows {
				return fail(w.Where, "the rows of %s are chosen twice, also in %s", n, x.rows)
			}
			x.where, x.rows, x.ownRows = w.Condition, w.Where, true
		}
	}
	return nil
}

// extra adds the columns that the target alone has, to the tables below too.
func (r *resolver) extra(s *Spec) error {
	for _, w := range s.Tables {
		if len(w.Extra) == 0 {
			continue
		}
		t, err := r.find(w.Where, w.Table)
		if err != nil {
			return err
		}
		for _, x := range w.Extra {
			name, err := parseName(x.Name)
			if err != nil || len(name) != 1 {
				return fail(x.Where, "%s is not the name of a column", x.Name)
			}
			if err := checkName(x.Where, name[0]); err != nil {
				return err
			}
			typ, err := r.typeOf(x.Where, x.Type)
			if err != nil {
				return err
			}
			if why := unbalanced(x.Default); why != "" {
				return fail(x.Where, "default: %s", why)
			}
			if x.NotNull && (x.Default == "" || strings.EqualFold(x.Default, "null")) {
				return fail(x.Where, "a column that is NOT NULL needs a default: no row of the source has a value for it")
			}
			if t.IsPartition && len(t.Inherits) > 0 && r.in[t.Inherits[0]] {
				return fail(x.Where, "%s is a partition: add the column to %s", t.Name, t.Inherits[0])
			}
			r.addExtra(t, Extra{Name: name[0], Type: *typ, Default: x.Default, NotNull: x.NotNull, Place: x.Where})
		}
	}
	return nil
}

func (r *resolver) addExtra(t *catalog.Table, x Extra) {
	if r.in[t.Name] {
		r.work(t.Name).extra = append(r.work(t.Name).extra, x)
	}
	for i := range r.db.Tables {
		child := &r.db.Tables[i]
		for _, up := range child.Inherits {
			if up == t.Name {
				r.addExtra(child, x)
				break
			}
		}
	}
}
