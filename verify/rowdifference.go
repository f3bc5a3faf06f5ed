package verify

import "github.com/pg2db9/pg2db9/catalog"

// RowKind says how a row differs.
type RowKind string

// The kinds of differing rows.
const (
	RowMissing RowKind = "missing" // the source has it, the target has not
	RowExtra   RowKind = "extra"   // the target has it, the source has not
	RowChanged RowKind = "changed" // both have a row of this key, with other values
)

// RowDifference is one row that differs. Values are in the canonical text that
// both sides are compared in (COPY TEXT's, without its escapes).
type RowDifference struct {
	Table  catalog.Name `json:"table"`  // on the target
	Source catalog.Name `json:"source"` // on the source
	Kind   RowKind      `json:"kind"`
	// Key tells the row apart from the others of its table; a table without a key
	// has none, and all columns stand in Columns.
	Key []KeyValue `json:"key,omitempty"`
	// Columns are those that differ; of a row that is missing or extra all but the
	// key's, where values were asked for.
	Columns []ValueDifference `json:"columns,omitempty"`
	// Copies is how many rows that are equal in everything are missing or extra: of
	// a table with a key it is 1.
	Copies int64 `json:"copies"`
	// Hash is that of the source's row in canonical form, of the target's where the
	// row is extra: what tells rows without a key apart.
	Hash [2]uint64 `json:"-"`
}

// KeyValue is the value of one column of a key, whole: statements that mend the
// row are made of it.
type KeyValue struct {
	Column string `json:"column"` // on the target
	Value  string `json:"value"`
	Null   bool   `json:"null,omitempty"` // then Value is empty: the target broke the key's NOT NULL
}

// ValueDifference is one column of a row that differs.
type ValueDifference struct {
	Column string `json:"column"` // on the target
	Source *Value `json:"source,omitempty"`
	Target *Value `json:"target,omitempty"`
}

// Value is a value as it is shown.
type Value struct {
	Text  string `json:"text"`            // shortened to what a line holds, unless values were asked for whole
	Null  bool   `json:"null,omitempty"`  // then Text is empty
	Bytes int64  `json:"bytes,omitempty"` // of the whole, where Text is shortened
}

// ColumnTally is what changed in one column of a table, over all rows that were
// localised.
type ColumnTally struct {
	Column string `json:"column"`
	Rows   int64  `json:"rows"`
	How    string `json:"how,omitempty"` // what all of them have in common: "rounded", "trimmed", "to NULL", "case", ... ; empty is nothing
}

// RowsFound is how many rows of a table differ, by kind, and in which columns.
type RowsFound struct {
	Missing int64         `json:"missing"`
	Extra   int64         `json:"extra"`
	Changed int64         `json:"changed"`
	Columns []ColumnTally `json:"columns,omitempty"`
	// Shown are the first of them, at most Params.MaxDifferences.
	Shown []RowDifference `json:"shown,omitempty"`
	// Unlocalised are rows in ranges that differ and were not read again; when it
	// is not 0, the numbers above are lower bounds.
	Unlocalised int64 `json:"unlocalised,omitempty"`
}
