//! `std::fs::remove_dir_all` as a command, one of the lane's peers.

fn main() -> std::io::Result<()> {
    std::env::args_os()
        .skip(1)
        .try_for_each(std::fs::remove_dir_all)
}
