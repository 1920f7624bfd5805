"""What the tests share: servers, databases, a clock, and ways to provoke races."""
