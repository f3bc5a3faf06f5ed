package db9sim

import (
	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// walk calls visit for m and everything under it, parents first.
func walk(m proto.Message, visit func(proto.Message)) {
	if m == nil || !m.ProtoReflect().IsValid() {
		return
	}
	visit(m)
	m.ProtoReflect().Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Kind() != protoreflect.MessageKind || fd.IsMap():
		case fd.IsList():
			for i := range v.List().Len() {
				walk(v.List().Get(i).Message().Interface(), visit)
			}
		default:
			walk(v.Message().Interface(), visit)
		}
		return true
	})
}

// names are the parts of a qualified name.
func names(nodes []*pg.Node) []string {
	out := make([]string, 0, len(nodes))
	for _, n := range nodes {
		if s := n.GetString_(); s != nil {
			out = append(out, s.GetSval())
		}
	}
	return out
}

// builtin is a qualified name's last part where the name can be one of
// pg_catalog, else "".
func builtin(nodes []*pg.Node) string {
	n := names(nodes)
	switch {
	case len(n) == 1:
		return n[0]
	case len(n) == 2 && n[0] == "pg_catalog":
		return n[1]
	}
	return ""
}

func qualified(parts ...string) []*pg.Node {
	out := make([]*pg.Node, len(parts))
	for i, p := range parts {
		out[i] = pg.MakeStrNode(p)
	}
	return out
}

// text is a constant's value as text, as options of statements have it.
func constText(n *pg.Node) string {
	switch {
	case n.GetString_() != nil:
		return n.GetString_().GetSval()
	case n.GetTypeCast() != nil:
		return constText(n.GetTypeCast().GetArg())
	case n.GetAConst().GetSval() != nil:
		return n.GetAConst().GetSval().GetSval()
	case n.GetAConst().GetBoolval() != nil:
		if n.GetAConst().GetBoolval().GetBoolval() {
			return "true"
		}
		return "false"
	}
	return ""
}
