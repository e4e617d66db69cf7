##! What the grammar tells of some PDUs only, for compiled analyzers that do not bring the type along.

module MELSEC;

@ifndef ( MELSEC::Particulars )
export {
	type Particulars: record {
		users: vector of string &optional;
		token: string &optional;
		user_token: string &optional;
		session: count &optional;
		source_module_io: count &optional;
		about: string &optional;
		learnt: table[string] of string &optional;
	};
}
@endif
