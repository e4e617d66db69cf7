##! What a PDU has to fulfil besides being one of certain commands.

@load ./types
@load ./info

module MELSEC;

# Whether a field of a request has a value.
function has_value(transaction: Info, field: string, value: count): bool
	{
	local asked = transaction$asked;

	switch ( field )
		{
		case "network":
			return asked?$network_no && asked$network_no == value;
		case "station":
			return asked?$station_no && asked$station_no == value;
		case "module_io":
			return asked?$module_io && asked$module_io == value;
		case "multidrop":
			return asked?$multidrop && asked$multidrop == value;
		case "serial":
			return asked?$serial && asked$serial == value;
		default:
			return transaction?$asked_more && transaction$asked_more?$fields &&
			    field in transaction$asked_more$fields && transaction$asked_more$fields[field] == value;
		}
	}

# Whether the end code of the answer is among those that are meant.
function has_status(meaning: Meaning, transaction: Info): bool
	{
	if ( ! transaction?$answer || ! transaction$answer?$status )
		return F;

	local status = transaction$answer$status;

	if ( meaning$failed && status != 0 )
		return T;

	return meaning?$statuses && status in transaction$layout$statuses &&
	    transaction$layout$statuses[status] in meaning$statuses;
	}

# Whether the command of a transaction is meant.
function is_command(meaning: Meaning, transaction: Info): bool
	{
	if ( meaning?$protocols && transaction$protocol !in meaning$protocols )
		return F;

	if ( ! meaning?$operations && ! meaning?$classes )
		return T;

	return ( meaning?$operations && transaction$command_info$operation in meaning$operations ) ||
	    ( meaning?$classes && transaction$command_info$class in meaning$classes );
	}

# Whether a request, or the answer to it, is meant.
function is_meant(meaning: Meaning, transaction: Info): bool
	{
	if ( ! is_command(meaning, transaction) )
		return F;

	if ( meaning$first && ! transaction$first )
		return F;

	if ( meaning?$frames && transaction$asked$frame !in meaning$frames )
		return F;

	if ( ( meaning$failed || meaning?$statuses ) && ! has_status(meaning, transaction) )
		return F;

	if ( meaning?$devices && ( ! transaction$asked?$target || meaning$devices !in transaction$asked$target ) )
		return F;

	if ( meaning?$fields )
		{
		for ( field, value in meaning$fields )
			{
			if ( ! has_value(transaction, field, value) )
				return F;
			}
		}

	return T;
	}

# Whether one of several means it.
function is_meant_by_any(meanings: vector of Meaning, transaction: Info): bool
	{
	for ( _, meaning in meanings )
		{
		if ( is_meant(meaning, transaction) )
			return T;
		}

	return F;
	}
