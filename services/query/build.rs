//! Embedding the dashboard's files alone does not notice a *new* one.
fn main() {
    println!("cargo:rerun-if-changed=dashboard/dist");
}
