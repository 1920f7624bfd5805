"""Steps that use SQLAlchemy's sessions as a web application does, and a receiver that closes them after each."""
