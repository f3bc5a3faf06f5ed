package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Hash names the version of the schema: SHA-256 over the model as JSON, which is
// the same for equal models since they hold no maps. What running the database
// changes is left out: sizes, guesses of row counts, the positions of sequences,
// large objects, whether a materialized view is filled, the server's version: the
// same schema has the same hash on every major that renders the texts of its
// views alike (16 leaves out prefixes that 15 writes). Nor do rights, labels and
// edges count: whose a table is and who may read it changes no row and no
// definition, so that a GRANT while a run is interrupted does not keep it from
// being continued.
//
// The model is hashed one object after the other: as one text it would be as
// large as itself once more.
func (db *Database) Hash() string {
	sum := sha256.New()
	out := json.NewEncoder(sum)
	v := reflect.ValueOf(*db)
	for _, field := range reflect.VisibleFields(v.Type()) {
		if notSchema[field.Name] {
			continue
		}
		write(out, field.Name)
		list := v.FieldByIndex(field.Index)
		if list.Kind() != reflect.Slice {
			write(out, list.Interface())
			continue
		}
		for i := range list.Len() {
			if o := schemaOnly(list.Index(i).Interface()); o != nil {
				write(out, o)
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func write(out *json.Encoder, v any) {
	if err := out.Encode(v); err != nil {
		panic(fmt.Sprintf("a model of plain values cannot be marshalled: %v", err)) // impossible
	}
}

// notSchema are the fields of a Database that Hash leaves out.
var notSchema = map[string]bool{
	"ServerVersion": true,
	"Roles":         true, "Owners": true, "Grants": true, "DefaultPrivileges": true, "Settings": true, "SecurityLabels": true, "Dependencies": true,
}

// schemaOnly is an object without what running the database changes; nil is
// one that is content rather than schema.
func schemaOnly(o any) any {
	switch o := o.(type) {
	case Table:
		o.HeapBytes, o.ToastBytes, o.RowsGuess = 0, 0, 0
		return o
	case Index:
		o.Bytes = 0
		return o
	case View:
		o.HeapBytes, o.ToastBytes, o.RowsGuess, o.Populated = 0, 0, 0, false
		return o
	case Sequence:
		o.LastValue, o.IsCalled, o.Unreadable = 0, false, false
		return o
	case Extension:
		o.Members = 0
		return o
	case RangeType:
		o.Multirange = Name{} // 13 has none
		return o
	case Other:
		if isData(o.Kind) {
			return nil
		}
		o.Count, o.Bytes = 0, 0
		return o
	case Comment:
		if isData(o.Kind) {
			return nil
		}
		if o.Kind == "database" {
			o.Name = Name{} // the database's own name is not its schema's
		}
		return o
	}
	return o
}

// isData says that a kind of object is content rather than schema.
func isData(kind string) bool { return strings.HasSuffix(kind, "large object") }
