package catalog

import (
	"fmt"
	"strconv"
)

// The kinds of things of which a model has very many are one byte, and words in
// JSON and for people: a database of a hundred thousand tables has half a million
// columns.

// TypeKind is pg_type.typtype. For an array it is the element's.
type TypeKind uint8

// The kinds of type. The zero value is none.
const (
	KindBase TypeKind = iota + 1
	KindEnum
	KindDomain
	KindComposite
	KindRange
	KindMultirange
	KindPseudo
)

// TableKind is pg_class.relkind, for relations that hold rows.
type TableKind uint8

// The kinds of table. The zero value is none.
const (
	TableOrdinary    TableKind = iota + 1
	TablePartitioned           // has no rows itself
	TableForeign
)

// ReplicaIdentity is pg_class.relreplident.
type ReplicaIdentity uint8

// The replica identities. The zero value is the default one, the primary key.
const (
	ReplicaFull ReplicaIdentity = iota + 1
	ReplicaNothing
	ReplicaIndex
)

// Identity says how an identity column takes values.
type Identity uint8

// The kinds of identity column. The zero value is none.
const (
	IdentityAlways Identity = iota + 1
	IdentityByDefault
)

// Generation says how a generated column is kept.
type Generation uint8

// The kinds of generated column. The zero value is none.
const (
	GeneratedStored Generation = iota + 1
	GeneratedVirtual
)

// Storage is pg_attribute.attstorage, where it differs from the type's.
type Storage uint8

// The ways to store a column. The zero value is the type's own.
const (
	StoragePlain Storage = iota + 1
	StorageExternal
	StorageExtended
	StorageMain
)

// Compression is pg_attribute.attcompression.
type Compression uint8

// The ways to compress a column. The zero value is the server's default.
const (
	CompressionPGLZ Compression = iota + 1
	CompressionLZ4
)

// ConstraintKind is pg_constraint.contype.
type ConstraintKind uint8

// The kinds of constraint. The zero value is none. PostgreSQL 18's NOT NULL
// constraints are only in Column.NotNull, except for their names (see
// Constraint).
const (
	PrimaryKey ConstraintKind = iota + 1
	Unique
	Check
	ForeignKey
	Exclusion
	NotNull // 18 and later, only where it says more than Column.NotNull: a name of the user's, NO INHERIT, NOT VALID
)

var (
	typeKindWords        = []string{"", "base", "enum", "domain", "composite", "range", "multirange", "pseudo"}
	tableKindWords       = []string{"", "table", "partitioned", "foreign"}
	replicaIdentityWords = []string{"", "full", "nothing", "index"}
	identityWords        = []string{"", "always", "by default"}
	generationWords      = []string{"", "stored", "virtual"}
	storageWords         = []string{"", "plain", "external", "extended", "main"}
	compressionWords     = []string{"", "pglz", "lz4"}
	constraintKindWords  = []string{"", "primary key", "unique", "check", "foreign key", "exclusion", "not null"}
)

// wordOf is a value's word; a number where it has none.
func wordOf[T ~uint8](words []string, v T) string {
	if int(v) >= len(words) {
		return strconv.Itoa(int(v))
	}
	return words[v]
}

// setWord finds a word's value.
func setWord[T ~uint8](words []string, v *T, text []byte) error {
	for i, w := range words {
		if w == string(text) {
			*v = T(i)
			return nil
		}
	}
	n, err := strconv.ParseUint(string(text), 10, 8)
	if err != nil || int(n) < len(words) {
		return fmt.Errorf("%T: unknown word %q", *v, text)
	}
	*v = T(n)
	return nil
}

// String is the word for people and in JSON.
func (k TypeKind) String() string { return wordOf(typeKindWords, k) }

// MarshalText implements encoding.TextMarshaler.
func (k TypeKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *TypeKind) UnmarshalText(text []byte) error { return setWord(typeKindWords, k, text) }

// String is the word for people and in JSON.
func (k TableKind) String() string { return wordOf(tableKindWords, k) }

// MarshalText implements encoding.TextMarshaler.
func (k TableKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *TableKind) UnmarshalText(text []byte) error { return setWord(tableKindWords, k, text) }

// String is the word for people and in JSON.
func (i ReplicaIdentity) String() string { return wordOf(replicaIdentityWords, i) }

// MarshalText implements encoding.TextMarshaler.
func (i ReplicaIdentity) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *ReplicaIdentity) UnmarshalText(text []byte) error {
	return setWord(replicaIdentityWords, i, text)
}

// String is the word for people and in JSON.
func (i Identity) String() string { return wordOf(identityWords, i) }

// MarshalText implements encoding.TextMarshaler.
func (i Identity) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *Identity) UnmarshalText(text []byte) error { return setWord(identityWords, i, text) }

// String is the word for people and in JSON.
func (g Generation) String() string { return wordOf(generationWords, g) }

// MarshalText implements encoding.TextMarshaler.
func (g Generation) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (g *Generation) UnmarshalText(text []byte) error { return setWord(generationWords, g, text) }

// String is the word for people and in JSON.
func (s Storage) String() string { return wordOf(storageWords, s) }

// MarshalText implements encoding.TextMarshaler.
func (s Storage) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Storage) UnmarshalText(text []byte) error { return setWord(storageWords, s, text) }

// String is the word for people and in JSON.
func (c Compression) String() string { return wordOf(compressionWords, c) }

// MarshalText implements encoding.TextMarshaler.
func (c Compression) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Compression) UnmarshalText(text []byte) error { return setWord(compressionWords, c, text) }

// String is the word for people and in JSON.
func (k ConstraintKind) String() string { return wordOf(constraintKindWords, k) }

// MarshalText implements encoding.TextMarshaler.
func (k ConstraintKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *ConstraintKind) UnmarshalText(text []byte) error {
	return setWord(constraintKindWords, k, text)
}
