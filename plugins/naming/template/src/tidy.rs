//! Making a name of a filled pattern that any file system takes, and the host too.

/// The longest component, in bytes: the limit of the contract and of most file systems.
const LONGEST: usize = 255;
/// What stands where nothing is left.
const UNNAMED: &str = "unnamed";

/// `filled`, with `/` between components, made into a name that ends with `.extension`. An
/// `attempt` above 0 is put before that. Where `folders` may not be, the components are joined by
/// hyphens.
pub(crate) fn name(filled: &str, extension: &str, attempt: u32, folders: bool) -> String {
    let extension = if extension.is_empty() { String::new() } else { format!(".{extension}") };
    let filled = filled.strip_suffix(extension.as_str()).unwrap_or(filled);
    let mut components: Vec<String> =
        filled.split('/').map(component).filter(|component| !component.is_empty()).collect();
    if filled.ends_with('/') {
        components.push(UNNAMED.to_owned());
    }
    if !folders {
        components = vec![components.join("-")];
    }
    let stem = components.pop().filter(|stem| !stem.is_empty());
    let ending = if attempt > 0 { format!("-{attempt}{extension}") } else { extension };
    let stem = stem.unwrap_or_else(|| UNNAMED.to_owned());
    components.iter_mut().for_each(|folder| *folder = cut(folder, LONGEST).to_owned());
    let room = LONGEST.saturating_sub(ending.len());
    components.push(format!("{}{ending}", cut(&stem, room)));
    components.join("/")
}

/// One component without what file systems refuse: control characters and `\ : * ? " < > |`
/// become `_`; spaces around it, and dots behind it, which also make up `.` and `..`, go.
fn component(text: &str) -> String {
    let allowed = |c: char| if c.is_control() || r#"\:*?"<>|"#.contains(c) { '_' } else { c };
    let text: String = text.chars().map(allowed).collect();
    text.trim_start().trim_end_matches(|c: char| c == '.' || c.is_whitespace()).to_owned()
}

/// At most `bytes`, not in the middle of a character, and not with a dot or space at the end.
fn cut(text: &str, bytes: usize) -> &str {
    text[..text.floor_char_boundary(bytes)]
        .trim_end_matches(|c: char| c == '.' || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_stands_once_at_the_end() {
        assert_eq!(name("a.mp4", "mp4", 0, true), "a.mp4");
        assert_eq!(name("a", "mp4", 0, true), "a.mp4");
        assert_eq!(name("a.mp4", "mp4", 3, true), "a-3.mp4");
        assert_eq!(name("a.b", "mp4", 1, true), "a.b-1.mp4");
        assert_eq!(name("amp4", "mp4", 0, true), "amp4.mp4");
    }

    #[test]
    fn nothing_leaves_the_folder() {
        assert_eq!(name("../../a.mp4", "mp4", 0, true), "a.mp4");
        assert_eq!(name("/./a/../b.mp4", "mp4", 0, true), "a/b.mp4");
        assert_eq!(name("..", "mp4", 0, true), "unnamed.mp4");
        assert_eq!(name("..mp4", "mp4", 0, true), "unnamed.mp4");
        assert_eq!(name("", "mp4", 0, true), "unnamed.mp4");
        assert_eq!(name("a/", "mp4", 0, true), "a/unnamed.mp4");
        assert_eq!(name("a/.mp4", "mp4", 0, true), "a/unnamed.mp4");
    }

    #[test]
    fn what_file_systems_refuse_is_replaced() {
        assert_eq!(name("a:b\\c\0d\n.mp4", "mp4", 0, true), "a_b_c_d_.mp4");
        assert_eq!(name(" a . / b .mp4", "mp4", 0, true), "a/b.mp4");
    }

    #[test]
    fn components_have_at_most_255_bytes() {
        let long = "ä".repeat(200);
        let name = name(&format!("{long}/{long}.mp4"), "mp4", 12, true);
        let (folder, file) = name.split_once('/').expect("a folder");
        assert_eq!(folder.len(), 254);
        assert_eq!(file.len(), 255);
        assert!(file.ends_with("ä-12.mp4"));
    }

    #[test]
    fn folders_become_hyphens_where_they_may_not_be() {
        assert_eq!(name("2018/09/a.mp4", "mp4", 0, false), "2018-09-a.mp4");
        assert_eq!(name("..", "mp4", 0, false), "unnamed.mp4");
    }
}
