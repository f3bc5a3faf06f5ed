package db9sim

import (
	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// eachNode calls visit with a node and all below it, parents first. What visit
// changes of a node is walked too.
func eachNode(n *pg.Node, visit func(*pg.Node)) {
	if n != nil {
		eachNodeOf(n.ProtoReflect(), visit)
	}
}

func eachNodeOf(m protoreflect.Message, visit func(*pg.Node)) {
	if n, ok := m.Interface().(*pg.Node); ok {
		visit(n)
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				eachNodeOf(v.List().Get(i).Message(), visit)
			}
		default:
			eachNodeOf(v.Message(), visit)
		}
		return true
	})
}
