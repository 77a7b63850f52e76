//! How often the tests that kill something do so.

/// `usual` rounds with every change. `FILMGATE_KILLS` asks for another number, of which a test
/// whose rounds are long takes no more than `most`: `make soak` asks for a thousand.
pub fn kills(usual: usize, most: usize) -> usize {
    count(std::env::var("FILMGATE_KILLS").ok().as_deref(), usual, most)
}

fn count(asked: Option<&str>, usual: usize, most: usize) -> usize {
    let number = |text: &str| {
        text.parse().unwrap_or_else(|e| panic!("FILMGATE_KILLS: {text:?} is no number: {e}"))
    };
    asked.map_or(usual, |text| most.min(number(text)))
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn the_variable_raises_it_up_to_what_a_test_can_take() {
        assert_eq!(count(None, 3, 20), 3);
        assert_eq!(count(Some("1000"), 40, 1_000), 1_000);
        assert_eq!(count(Some("1000"), 3, 20), 20);
        assert!(std::panic::catch_unwind(|| count(Some("many"), 3, 20)).is_err());
    }
}
