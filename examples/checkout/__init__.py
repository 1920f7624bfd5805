"""An order, its payment, stock and parcels; a saga that pays back; a customer who pays once, whatever is killed."""
