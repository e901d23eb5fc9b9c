//! What a statement cache keeps: the ones that were used last.

use crate::engine::sync::Arc;
use std::collections::HashMap;
use tokio::sync::OnceCell;
use tokio_postgres::types::Type;

/// Where a statement will be, or is.
pub(super) type Cell<V> = OnceCell<V>;

/// What was used last, by the text of the query and the types of its parameters.
///
/// Finding allocates nothing. Forgetting the one that was used longest ago looks at all, which is little
/// beside the round trip that made it necessary.
pub(super) struct Kept<V> {
    queries: HashMap<Box<str>, Vec<Variant<V>>>,
    count: usize,
    bound: usize,
    /// Counts uses, to know which was longest ago.
    uses: u64,
}

/// A query with certain types of parameters.
pub(super) struct Variant<V> {
    types: Box<[Type]>,
    cell: Arc<Cell<V>>,
    used: u64,
}

impl<V> Kept<V> {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            queries: HashMap::new(),
            count: 0,
            bound,
            uses: 0,
        }
    }

    pub(super) fn size(&self) -> usize {
        let variants = self.queries.values().flatten();
        variants
            .filter(|variant| variant.cell.initialized())
            .count()
    }

    /// The cell of a query, a new one if need be, which nobody else finds where the bound is 0; and what had
    /// to make room for it.
    pub(super) fn cell(
        &mut self,
        query: &str,
        types: &[Type],
    ) -> (Arc<Cell<V>>, Option<Arc<Cell<V>>>) {
        self.uses += 1;
        if let Some(variant) = self.find(query, types) {
            return (Arc::clone(&variant.cell), None);
        }
        if self.bound == 0 {
            return (Arc::new(Cell::new()), None);
        }
        let surplus = self.make_room();
        let cell = Arc::new(Cell::new());
        let variant = Variant {
            types: types.into(),
            cell: Arc::clone(&cell),
            used: self.uses,
        };
        self.queries.entry(query.into()).or_default().push(variant);
        self.count += 1;
        (cell, surplus)
    }

    fn find(&mut self, query: &str, types: &[Type]) -> Option<&Variant<V>> {
        let variants = self.queries.get_mut(query)?;
        let variant = variants
            .iter_mut()
            .find(|variant| *variant.types == *types)?;
        variant.used = self.uses;
        Some(variant)
    }

    fn make_room(&mut self) -> Option<Arc<Cell<V>>> {
        if self.count < self.bound {
            return None;
        }
        let all = self
            .queries
            .iter()
            .flat_map(|(query, variants)| variants.iter().map(move |variant| (query, variant)));
        let (query, oldest) = all.min_by_key(|(_, variant)| variant.used)?;
        let (query, types) = (query.clone(), oldest.types.clone());
        self.remove(&query, &types)
    }

    pub(super) fn remove(&mut self, query: &str, types: &[Type]) -> Option<Arc<Cell<V>>> {
        let variants = self.queries.get_mut(query)?;
        let place = variants
            .iter()
            .position(|variant| *variant.types == *types)?;
        let removed = variants.swap_remove(place);
        if variants.is_empty() {
            self.queries.remove(query);
        }
        self.count -= 1;
        Some(removed.cell)
    }

    /// Forgets this very cell, if it is still the one that is known for its query.
    pub(super) fn forget(
        &mut self,
        query: &str,
        types: &[Type],
        cell: &Arc<Cell<V>>,
    ) -> Option<Arc<Cell<V>>> {
        let mut known = self.queries.get(query)?.iter();
        let known = known.any(|variant| Arc::ptr_eq(&variant.cell, cell));
        known.then(|| self.remove(query, types)).flatten()
    }

    /// Forgets a cell that stayed empty, if only its holder and this map still know it.
    pub(super) fn forget_if_abandoned(
        &mut self,
        query: &str,
        types: &[Type],
        cell: &Arc<Cell<V>>,
    ) -> Option<Arc<Cell<V>>> {
        let abandoned = !cell.initialized() && Arc::strong_count(cell) == HOLDER_AND_MAP;
        abandoned.then(|| self.forget(query, types, cell)).flatten()
    }

    /// All cells, empty ones included.
    pub(super) fn cells(&self) -> Vec<Arc<Cell<V>>> {
        let variants = self.queries.values().flatten();
        variants.map(|variant| Arc::clone(&variant.cell)).collect()
    }

    pub(super) fn clear(&mut self) -> HashMap<Box<str>, Vec<Variant<V>>> {
        self.count = 0;
        std::mem::take(&mut self.queries)
    }
}

const HOLDER_AND_MAP: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn put(kept: &mut Kept<u32>, query: &str, types: &[Type]) -> Option<Arc<Cell<u32>>> {
        let (cell, surplus) = kept.cell(query, types);
        cell.set(1).unwrap();
        surplus
    }

    #[test]
    fn types_are_part_of_what_is_looked_for() {
        let mut kept = Kept::new(8);
        put(&mut kept, "q", &[Type::INT4]);
        put(&mut kept, "q", &[Type::TEXT]);
        assert_eq!((kept.size(), kept.count), (2, 2));
        assert!(kept.cell("q", &[Type::INT4]).0.initialized());
        assert!(kept.remove("q", &[Type::INT4]).is_some());
        assert!(kept.remove("q", &[Type::INT4]).is_none());
        assert_eq!((kept.size(), kept.count), (1, 1));
    }

    #[test]
    fn the_one_that_was_used_longest_ago_makes_room() {
        let mut kept = Kept::new(2);
        put(&mut kept, "a", &[]);
        put(&mut kept, "b", &[]);
        assert!(kept.cell("a", &[]).0.initialized());
        assert!(put(&mut kept, "c", &[]).is_some());
        assert_eq!(kept.count, 2);
        assert!(kept.cell("a", &[]).0.initialized());
        assert!(!kept.queries.contains_key("b"));
    }

    #[test]
    fn an_empty_cell_is_forgotten_by_its_last_holder() {
        let mut kept = Kept::<u32>::new(2);
        let (one, _) = kept.cell("a", &[]);
        let (two, _) = kept.cell("a", &[]);
        assert!(kept.forget_if_abandoned("a", &[], &one).is_none());
        drop(one);
        assert!(kept.forget_if_abandoned("a", &[], &two).is_some());
        assert_eq!(kept.count, 0);
    }

    #[test]
    fn a_cleared_map_counts_anew() {
        let mut kept = Kept::new(2);
        put(&mut kept, "a", &[]);
        drop(kept.clear());
        assert_eq!((kept.size(), kept.count), (0, 0));
    }

    #[test]
    fn a_bound_of_nothing_keeps_nothing() {
        let mut kept = Kept::new(0);
        for _ in 0..2 {
            assert!(put(&mut kept, "a", &[]).is_none());
        }
        assert_eq!((kept.size(), kept.count), (0, 0));
    }

    #[test]
    fn only_the_very_cell_is_forgotten() {
        let mut kept = Kept::new(2);
        let (stale, _) = kept.cell("a", &[]);
        kept.remove("a", &[]);
        put(&mut kept, "a", &[]);
        assert!(kept.forget("a", &[], &stale).is_none());
        let (known, _) = kept.cell("a", &[]);
        assert!(kept.forget("a", &[], &known).is_some());
        assert_eq!(kept.count, 0);
    }

    /// A query and the types of its parameters, by numbers.
    type Key = (usize, usize);

    /// The same in plain words: a row, the one that was used longest ago in front.
    struct Row {
        row: Vec<(Key, u32)>,
        bound: usize,
    }

    impl Row {
        /// What was kept under the key, or `fresh`, and what had to go for it.
        fn use_one(&mut self, key: Key, fresh: u32) -> (u32, Option<u32>) {
            if let Some(place) = self.row.iter().position(|(known, _)| *known == key) {
                let used = self.row.remove(place);
                self.row.push(used);
                return (used.1, None);
            }
            if self.bound == 0 {
                return (fresh, None);
            }
            let full = self.row.len() == self.bound;
            let surplus = full.then(|| self.row.remove(0).1);
            self.row.push((key, fresh));
            (fresh, surplus)
        }

        fn remove(&mut self, key: Key) -> Option<u32> {
            let place = self.row.iter().position(|(known, _)| *known == key)?;
            Some(self.row.remove(place).1)
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Use(Key),
        Remove(Key),
        Clear,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let key = || (0..6_usize, 0..3_usize);
        let step = prop_oneof![
            12 => key().prop_map(Step::Use),
            2 => key().prop_map(Step::Remove),
            1 => Just(Step::Clear),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        fn it_keeps_what_a_plain_row_keeps(bound in 0..8_usize, steps in steps()) {
            const QUERIES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
            const TYPES: [&[Type]; 3] = [&[], &[Type::INT4], &[Type::INT4, Type::TEXT]];
            let mut kept = Kept::new(bound);
            let mut row = Row { row: Vec::new(), bound };
            for (fresh, step) in (0..).zip(steps) {
                match step {
                    Step::Use((query, types)) => {
                        let (cell, surplus) = kept.cell(QUERIES[query], TYPES[types]);
                        let _kept_before = cell.set(fresh);
                        let surplus = surplus.map(|cell| *cell.get().unwrap());
                        let expected = row.use_one((query, types), fresh);
                        prop_assert_eq!((*cell.get().unwrap(), surplus), expected);
                    }
                    Step::Remove((query, types)) => {
                        let removed = kept.remove(QUERIES[query], TYPES[types]);
                        let removed = removed.map(|cell| *cell.get().unwrap());
                        prop_assert_eq!(removed, row.remove((query, types)));
                    }
                    Step::Clear => {
                        drop(kept.clear());
                        row.row.clear();
                    }
                }
                prop_assert_eq!((kept.size(), kept.count), (row.row.len(), row.row.len()));
                let mut cells: Vec<_> = kept.cells().iter().map(|cell| *cell.get().unwrap()).collect();
                let mut plain: Vec<_> = row.row.iter().map(|(_, value)| *value).collect();
                cells.sort_unstable();
                plain.sort_unstable();
                prop_assert_eq!(cells, plain);
            }
        }
    }
}
