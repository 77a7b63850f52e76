//! {{name}}: puts the largest file first.
use filmgate_plugin::*;

struct Largest;

impl Ordering for Largest {
    fn describe() -> Description {
        Description::new("{{name}}", env!("CARGO_PKG_VERSION"), "puts the largest file first")
    }
    fn configure(_parameters: &Parameters) -> Result<Self, Error> {
        Ok(Largest)
    }
    fn order(&mut self, items: &[Item]) -> Result<Vec<Placement>, Error> {
        let mut order: Vec<u32> = (0..items.len() as u32).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(items[i as usize].size));
        Ok(order.into_iter().map(|item| Placement { item, reason: String::new() }).collect())
    }
}
export_ordering!(Largest);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_comes_first() {
        let item = |size| Item { path: "x".to_owned(), size, modified: 0, properties: Vec::new() };
        let order = Largest.order(&[item(1), item(3), item(2)]).expect("an order");
        assert_eq!(order.iter().map(|p| p.item).collect::<Vec<_>>(), [1, 2, 0]);
    }
}
