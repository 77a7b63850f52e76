//! What the end-to-end tests share: where the program, the plugins, the media and the outside
//! references are.
