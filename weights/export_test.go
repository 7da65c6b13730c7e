package weights

// Encoded is encoded for the tests outside of the package.
var Encoded = encoded
