package ddlgen

import (
	"cmp"
	"iter"
	"slices"
	"sort"

	"github.com/pg2db9/pg2db9/catalog"
)

// sorted finds the entries of a model's list by a name that they have, by
// bisection: a map would take as much memory as the entries of a database of very
// many tables.
type sorted[T any] struct {
	list  []T
	order []int32 // positions in list, by name and then by position; nil where the list has that order
	name  func(*T) catalog.Name
}

func sortedBy[T any](list []T, name func(*T) catalog.Name) sorted[T] {
	s := sorted[T]{list: list, name: name}
	for i := 1; i < len(list); i++ {
		if name(&list[i-1]).Compare(name(&list[i])) > 0 {
			s.order = make([]int32, len(list))
			break
		}
	}
	for i := range s.order {
		s.order[i] = int32(i)
	}
	slices.SortFunc(s.order, func(a, b int32) int { return cmp.Or(name(&list[a]).Compare(name(&list[b])), cmp.Compare(a, b)) })
	return s
}

// position is where an entry stands in the list; -1 where there is none.
func (s *sorted[T]) position(n catalog.Name) int {
	i := s.search(n)
	if i == len(s.list) || s.name(s.at(i)) != n {
		return -1
	}
	if s.order != nil {
		return int(s.order[i])
	}
	return i
}

// get is the first entry of a name; nil where there is none.
func (s *sorted[T]) get(n catalog.Name) *T {
	if i := s.position(n); i >= 0 {
		return &s.list[i]
	}
	return nil
}

// of lists the entries of a name, in the order of the list.
func (s *sorted[T]) of(n catalog.Name) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for i := s.search(n); i < len(s.list); i++ {
			if x := s.at(i); s.name(x) != n || !yield(x) {
				return
			}
		}
	}
}

func (s *sorted[T]) search(n catalog.Name) int {
	return sort.Search(len(s.list), func(i int) bool { return s.name(s.at(i)).Compare(n) >= 0 })
}

func (s *sorted[T]) at(i int) *T {
	if s.order != nil {
		i = int(s.order[i])
	}
	return &s.list[i]
}
