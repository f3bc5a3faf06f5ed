package catalog

import "context"

type otherRow struct {
	Class    string `db:"class"`
	OID      int64  `db:"oid"`
	Kind     string `db:"kind"`
	Schema   string `db:"schema"`
	Name     string `db:"name"`
	Identity string `db:"identity"`
}

type countedRow struct {
	Kind  string   `db:"kind"`
	Name  string   `db:"name"`
	Count int64    `db:"count"`
	Bytes int64    `db:"bytes"`
	Def   []string `db:"def"`
}

// others reads what only PostgreSQL itself takes, with the statements that make
// it, and what is only counted.
func (r *reader) others(ctx context.Context) error {
	rows, err := collect[otherRow](ctx, r.q, "others")
	if err != nil {
		return err
	}
	defs, err := r.definitions(ctx)
	if err != nil {
		return err
	}
	for _, o := range rows {
		key := objectKey{o.Class, o.OID}
		def := defs[key]
		other := Other{
			Kind: o.Kind, Name: Name{Schema: o.Schema, Name: o.Name},
			Def: orNil(def.Def), Uses: r.uses[key], Secrets: orNil(def.Secrets),
		}
		c := Comment{Kind: o.Kind, Name: other.Name, Object: o.Identity}
		r.db.Others = append(r.db.Others, other)
		r.know(o.Class, o.OID, c)
	}
	counted, err := collect[countedRow](ctx, r.q, "counted")
	for _, c := range counted {
		if c.Name != "" || c.Count > 0 {
			o := Other{Kind: c.Kind, Name: Name{Name: c.Name}, Count: c.Count, Bytes: c.Bytes, Def: orNil(c.Def)}
			if c.Kind == "subscription" {
				o.Secrets = []string{"connection"}
			}
			r.db.Others = append(r.db.Others, o)
		}
	}
	return err
}

type commentRow struct {
	Class  string `db:"class"`
	OID    int64  `db:"oid"`
	Sub    int    `db:"sub"`
	Column string `db:"column"`
	Text   string `db:"text"`
}

// comments keeps those on objects that the reader knows: comments on built-in
// objects and on members of extensions fall away.
func (r *reader) comments(ctx context.Context) error {
	rows, err := collect[commentRow](ctx, r.q, "comments")
	for _, row := range rows {
		c, ok := r.known[objectKey{row.Class, row.OID}]
		if !ok {
			continue
		}
		if row.Sub != 0 {
			c = Comment{Kind: "column", Name: c.Name, Sub: row.Column, Object: c.Object}
		}
		c.Text = row.Text
		r.db.Comments = append(r.db.Comments, c)
	}
	return err
}
